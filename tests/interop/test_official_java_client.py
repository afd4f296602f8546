"""The official Java client as it is published goes through Segl's direct flow, and independent judges look at all that was signed."""

from __future__ import annotations

import io
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest
from _pytest.mark import ParameterSet
from pyhanko.pdf_utils.generic import NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from interop import official_client
from interop.official_client import Run
from support.postgresql import PostgresServer
from support.running_segl import make

MISSING = official_client.missing_tools()
if MISSING and os.environ.get("CI") == "true":
    pytest.fail(f"Not installed: {', '.join(MISSING)}. With CI=true nothing is skipped.", pytrace=False)
pytestmark = [
    pytest.mark.database,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

POLL_INTERVAL_SECONDS = 5
"""Longer than the second after which the client silently tries again."""

QUEUES = [f"PollingTest.a_named_queue_gives_its_own_changes_only(String)[{number}]" for number in range(1, 7)]
SCENARIOS: dict[str, tuple[str, ...]] = {
    "ConnectionTest.a_sender_is_greeted_over_mutual_tls": ("R2", "R4", "R6"),
    "ConnectionTest.the_client_refuses_segl_when_it_expects_another_organization": ("R4",),
    "ConnectionTest.the_client_refuses_segl_when_it_does_not_know_the_authority": ("R4",),
    "ConnectionTest.a_revoked_certificate_is_turned_away_before_http": (),
    "ConnectionTest.an_organization_without_access_is_told_so": ("R9",),
    "SigningTest.one_signer_signs_and_the_sender_fetches_everything_and_confirms": ("R11", "R17", "R21", "R37", "R38", "R50", "R107"),
    "SigningTest.two_signers_sign_one_after_the_other": ("R53", "R107"),
    "SigningTest.several_documents_are_signed_together": ("R107",),
    "SigningTest.a_text_document_is_signed": ("R34", "R107"),
    "SigningTest.text_and_pdf_are_signed_together_by_two": ("R34",),
    "SigningTest.a_private_sender_gets_advanced_signatures": ("R92",),
    "SigningTest.a_private_sender_may_not_ask_for_less_than_advanced": ("R92",),
    "SigningTest.a_signer_known_to_the_sender_only_by_an_identifier_of_its_own_signs": ("R17", "R106"),
    "SigningTest.a_new_redirect_url_replaces_the_old_one_and_opens_the_ceremony": ("R46", "R48", "R49", "R107"),
    "SigningTest.a_rejection_ends_the_job_and_the_other_signer_is_no_longer_asked": ("R50", "R86", "R106"),
    "SigningTest.after_a_failure_a_new_redirect_url_lets_the_signer_try_again": ("R50", "R106"),
    "SigningTest.status_before_the_ceremony_cannot_be_asked": ("R55",),
    "SigningTest.a_wrong_token_and_the_token_of_another_job_are_refused": ("R54",),
    "SigningTest.downloads_come_with_their_length_and_are_the_same_each_time": ("R78", "R79"),
    "SigningTest.confirming_twice_is_as_good_as_once_and_the_documents_stay": ("R73",),
    "SigningTest.a_document_of_ten_megabytes_is_signed_within_the_clients_patience": ("R84",),
    "SigningTest.a_job_that_not_all_have_signed_cannot_be_deleted": ("R76",),
    "SigningTest.signing_without_a_browser_is_refused_for_an_unknown_signer_and_after_the_end": ("R106",),
    "BrokerTest.a_broker_is_greeted_with_both_names": ("R7",),
    "BrokerTest.a_broker_does_for_the_sender_all_that_the_sender_could": ("R10",),
    "BrokerTest.a_broker_polls_the_senders_queue": ("R10",),
    "BrokerTest.an_unauthorized_broker_may_do_nothing_of_it": ("R8", "R10"),
    "PollingTest.the_default_queue_gives_the_change_once_and_then_nothing": ("R19", "R57", "R58", "R62", "R107"),
    "PollingTest.queues_of_the_same_name_belong_each_to_its_sender": ("R60",),
    "PollingTest.each_signature_of_a_polled_job_is_a_change_of_its_own": ("R67",),
    "PollingTest.what_was_delivered_but_not_confirmed_is_not_delivered_again_at_once": ("R65", "R68"),
    "PollingTest.too_early_polling_is_refused_until_the_time_that_was_given": ("R61", "R62", "R63"),
    **dict.fromkeys(QUEUES, ("R59", "R60", "R107")),
    "ADayLaterTest.documents_are_deleted_a_day_after_the_last_signature_and_not_before": ("R10", "R76", "R77"),
    "ADayLaterTest.a_change_that_was_never_confirmed_comes_back_when_its_lease_is_over": ("R65",),
}


def _scenarios() -> list[ParameterSet]:
    marks = {name: [pytest.mark.requirement(*numbers)] if numbers else [] for name, numbers in SCENARIOS.items()}
    return [pytest.param(name, marks=marks[name]) for name in SCENARIOS]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer | None) -> Iterator[Run]:
    """
    All scenarios, run once against a Segl of their own: the last of them moves its clock.

    The rate limit is off, because tests call faster than integrators.
    """
    folder = tmp_path_factory.mktemp("interop")
    segl = make(folder / "data", postgres, SEGL_RATE_LIMIT="0", SEGL_POLL_INTERVAL=str(POLL_INTERVAL_SECONDS))
    segl.start()
    try:
        done = official_client.run(segl, folder, poll_interval=POLL_INTERVAL_SECONDS)
        assert segl.process is not None
        assert segl.process.poll() is None, f"Segl stopped while the client was at work:\n{segl.log.read_text()[-4000:]}"
        yield done
    finally:
        segl.stop()


@pytest.fixture
def signed(run: Run) -> Run:
    """The run, when it left something to judge."""
    assert run.sealed_pdfs(), run.output
    assert run.xades_files(), run.output
    return run


class TestTheOfficialJavaClient:
    def test_went_through_every_scenario_and_skipped_none(self, run: Run) -> None:
        assert sorted(run.scenarios) == sorted(SCENARIOS), run.output

    @pytest.mark.parametrize("name", _scenarios())
    def test_came_through(self, run: Run, name: str) -> None:
        assert name in run.scenarios, run.output
        assert run.scenarios[name].trouble == ""


class TestWhatWasSigned:
    @pytest.mark.requirement("R107")
    def test_passes_eu_dss_now_and_an_hour_ahead_at_level_lt(self, signed: Run, capsys: pytest.CaptureFixture[str]) -> None:
        verdict = official_client.judged_by_dss(signed)
        with capsys.disabled():
            print(f"\n{verdict.table}")

        levels = [(file, "PAdES-BASELINE-LT") for file in signed.sealed_pdfs()] + [
            (file, "XAdES-BASELINE-LT") for file in signed.xades_files()
        ]
        expected = [(signed.name_of(file), clock, level, "TOTAL_PASSED") for file, level in levels for clock in ("now", "+1 h")]
        assert sorted(verdict.rows) == sorted(expected), verdict.table
        assert verdict.passed, verdict.table

    def test_is_a_pair_of_seal_and_signatures_for_each_scenario_that_signed(self, signed: Run) -> None:
        assert {file.parent for file in signed.sealed_pdfs()} == {file.parent for file in signed.xades_files()}
        assert (len(signed.sealed_pdfs()), len(signed.xades_files())) == (20, 22)

    def test_is_valid_in_the_eyes_of_pdfsig(self, signed: Run) -> None:
        for file in signed.sealed_pdfs():
            seen = _output("pdfsig", "-nocert", file)
            assert seen.count("Signature Validation:") == 1, seen
            assert "Signature Validation: Signature is Valid." in seen

    def test_is_followed_by_nothing_but_validation_data(self, signed: Run) -> None:
        for file in signed.sealed_pdfs():
            assert _added_after_the_seal(file.read_bytes()) == [], signed.name_of(file)

    @pytest.mark.requirement("R105")
    def test_carries_the_very_originals_and_signatures(self, signed: Run) -> None:
        for file in signed.sealed_pdfs():
            with pikepdf.open(file) as pdf:
                attached = [attachment.get_file().read_bytes() for attachment in pdf.attachments.values()]
            is_half = file.name == "sealed-after-the-first.pdf"
            signatures = [xades for xades in signed.xades_files() if xades.parent == file.parent][: 1 if is_half else None]
            expected = [each.read_bytes() for each in (*signed.originals_of(file.parent), *signatures)]
            assert sorted(attached) == sorted(expected), signed.name_of(file)

    @pytest.mark.requirement("R34")
    def test_shows_a_text_document_in_the_sealed_pdf(self, signed: Run) -> None:
        shown = _output("pdftotext", signed.results / "text-document/sealed.pdf", "-")

        assert "Så rømmegrøt på Ørlandet." in shown

    def test_would_not_be_believed_with_a_page_changed_after_the_seal(self, signed: Run) -> None:
        sealed = signed.results / "one-signer/sealed.pdf"
        writer = IncrementalPdfFileWriter(io.BytesIO(sealed.read_bytes()))
        page = writer.root["/Pages"]["/Kids"][0]
        number = page.container_ref.idnum
        page["/Rotate"] = NumberObject(90)
        writer.update_container(page)
        changed = io.BytesIO()
        writer.write(changed)

        assert f"changed object ({number}, 0)" in _added_after_the_seal(changed.getvalue())

    def test_is_clean_in_the_eyes_of_qpdf(self, signed: Run) -> None:
        for file in signed.sealed_pdfs():
            assert "No syntax or stream encoding errors found" in _output("qpdf", "--check", file)

    def test_is_verified_by_xmlsec1_up_to_the_root(self, signed: Run) -> None:
        for file in signed.xades_files():
            signature = file.read_text("utf-8")
            # The certificate lives for ten minutes: the signature is looked at as of when it was made.
            signed_at = re.search(r"SigningTime>(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)", signature)
            assert signed_at is not None
            seen = _output(
                *("xmlsec1", "--verify", "--trusted-pem", signed.roots / "person-root.pem"),
                *("--verification-gmt-time", f"{signed_at[1]} {signed_at[2]}"),
                *("--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"),
                *("--id-attr:Id", "http://www.w3.org/2000/09/xmldsig#:Object", file.name),
                cwd=file.parent,
            )
            # The documents, the evidence and the signed properties.
            references = len(signed.originals_of(file.parent)) + 2
            assert f"SignedInfo References (ok/all): {references}/{references}" in seen


def _output(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _added_after_the_seal(pdf: bytes) -> list[str]:
    """
    Return what a reader would find changed since the seal, validation data excepted: ISO 32000-2, 12.8.4.3 lets a document security
    store be added to the catalog. Read with qpdf, which had no part in the sealing.
    """
    with pikepdf.open(io.BytesIO(pdf)) as now:
        (seal,) = now.Root.AcroForm.Fields
        start, length, begin, rest = (int(number) for number in seal.V.ByteRange)
        assert (start, begin) == (0, length + len(seal.V.Contents.__bytes__()) * 2 + 2)
        with pikepdf.open(io.BytesIO(pdf[: begin + rest])) as sealed:
            before = {each.objgen: _content(each) for each in sealed.objects}
            allowed = _reachable(now.Root.DSS)
            changed = []
            for each in now.objects:
                if each.objgen == now.Root.objgen:
                    changed += [f"catalog {key}" for key in now.Root.keys() ^ sealed.Root.keys() if key not in {"/DSS", "/Extensions"}]
                    changed += [f"catalog {key}" for key in sealed.Root if now.Root[key].unparse() != sealed.Root[key].unparse()]
                elif each.objgen not in before:
                    if each.objgen not in allowed and not _is_file_structure(each):
                        changed.append(f"new object {each.objgen}")
                elif before[each.objgen] != _content(each):
                    changed.append(f"changed object {each.objgen}")
            return changed


def _content(found: pikepdf.Object) -> tuple[bytes, bytes]:
    return found.unparse(resolved=True), found.read_raw_bytes() if isinstance(found, pikepdf.Stream) else b""


def _is_file_structure(found: pikepdf.Object) -> bool:
    return isinstance(found, pikepdf.Stream) and found.get("/Type") in {"/XRef", "/ObjStm"}


def _reachable(start: pikepdf.Object) -> set[tuple[int, int]]:
    """The security store itself, its lists and its streams; it refers to nothing else."""
    found: set[tuple[int, int]] = set()
    waiting = [start]
    while waiting:
        each = waiting.pop()
        if each.is_indirect:
            if each.objgen in found:
                continue
            found.add(each.objgen)
        if isinstance(each, pikepdf.Array):
            waiting += [item for item in each if isinstance(item, pikepdf.Object)]
        elif isinstance(each, pikepdf.Dictionary) and not isinstance(each, pikepdf.Stream):
            waiting += [item for item in each.values() if isinstance(item, pikepdf.Object)]
    return found
