"""What the trust in senders' CAs promises: fresh lists, or nobody gets in."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from door.door_pki import DAY, NOW, Ca, name
from door.door_running import serving_lists
from segl.adapters.trust.enterprise import (
    MAX_LIST_BYTES,
    EnterpriseTrust,
    RevocationListRefused,
    TrustUnreadable,
    fetch_list,
    read_certificates,
)
from segl.certificates import CertificateRefusal, CertificateRefused, CertificateRevoked, RevocationUnknown

HOUR = datetime.timedelta(hours=1)
ISSUING, ROOT = "http://crl.example/issuing", "http://crl.example/root"


@dataclass
class World:
    """Two CAs, a clock and a network that the test turns."""

    folder: Path
    root: Ca = field(default_factory=lambda: Ca("World root"))
    issuing: Ca = field(init=False)
    now: datetime.datetime = NOW
    answers: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.issuing = Ca("World issuing", above=self.root)
        (self.folder / "ca").mkdir()
        for ca in (self.root, self.issuing):
            (self.folder / "ca" / f"{ca.common_name}.pem").write_bytes(ca.certificate.public_bytes(Encoding.PEM))
        self.leaf = self.issuing.issue(name((NameOID.COMMON_NAME, "Kunde AS")))
        self.answers = {ISSUING: self.issuing.revocation_list(), ROOT: self.root.revocation_list()}

    def fetch(self, url: str) -> bytes:
        if url not in self.answers:
            raise RevocationListRefused("There was no answer (ConnectError).")
        return self.answers[url]

    def trust(self) -> EnterpriseTrust:
        return EnterpriseTrust(
            ca_folder=self.folder / "ca",
            crl_urls=[ISSUING, ROOT],
            cache_folder=self.folder / "crl",
            real_now=lambda: self.now,
            fetch=self.fetch,
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def log() -> Iterator[list[dict[str, object]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines  # type: ignore[misc]


class TestACertificate:
    def test_is_let_in_while_the_lists_are_fresh(self, world: World) -> None:
        trust = world.trust()
        trust.refresh()

        trust.check(world.leaf)

        assert trust.snapshot().is_complete
        assert {issuer.subject for issuer in trust.issuers()} == {world.root.certificate.subject, world.issuing.certificate.subject}

    def test_is_refused_when_it_stands_in_the_list(self, world: World) -> None:
        world.answers[ISSUING] = world.issuing.revocation_list(world.leaf)
        trust = world.trust()
        trust.refresh()

        with pytest.raises(CertificateRevoked, match=f"serial number {world.leaf.serial_number:x} is revoked. Order a new one."):
            trust.check(world.leaf)

    def test_is_refused_when_its_ca_is_revoked(self, world: World) -> None:
        world.answers[ROOT] = world.root.revocation_list(world.issuing.certificate)
        trust = world.trust()
        trust.refresh()

        with pytest.raises(CertificateRevoked, match=f"serial number {world.issuing.certificate.serial_number:x} is revoked"):
            trust.check(world.leaf)

    @pytest.mark.parametrize("missing", [ISSUING, ROOT])
    def test_is_not_let_in_while_a_list_is_missing(self, world: World, missing: str, log: list[dict[str, object]]) -> None:
        del world.answers[missing]
        trust = world.trust()
        trust.refresh()

        with pytest.raises(RevocationUnknown, match=r"is not at hand, so no certificate of it is let in\. Try again shortly\."):
            trust.check(world.leaf)
        assert not trust.snapshot().is_complete
        assert [(line["event"], line["url"], line["reason"]) for line in log] == [
            ("revocation-list-not-had", missing, "There was no answer (ConnectError).")
        ]

    def test_of_another_ca_is_told_apart(self, world: World) -> None:
        trust = world.trust()
        trust.refresh()

        with pytest.raises(CertificateRefused, match="comes from no CA that this server trusts") as refusal:
            trust.check(Ca("World issuing").issue(name((NameOID.COMMON_NAME, "Kunde AS"))))
        assert refusal.value.reason is CertificateRefusal.UNKNOWN_ISSUER


class TestAList:
    def test_is_believed_for_a_day_after_it_was_fetched(self, world: World, log: list[dict[str, object]]) -> None:
        world.answers = {
            ISSUING: world.issuing.revocation_list(next_update=NOW + 10 * DAY),
            ROOT: world.root.revocation_list(next_update=NOW + 10 * DAY),
        }
        trust = world.trust()
        trust.refresh()
        world.answers.clear()

        world.now = NOW + DAY - HOUR
        trust.refresh()
        trust.check(world.leaf)
        before = trust.snapshot()

        world.now = NOW + DAY
        with pytest.raises(RevocationUnknown):
            trust.check(world.leaf)
        assert not trust.snapshot().is_complete
        assert trust.snapshot() is not before
        assert len(log) == 2

    def test_is_not_believed_after_its_own_end(self, world: World) -> None:
        world.answers[ISSUING] = world.issuing.revocation_list(next_update=NOW + HOUR)
        trust = world.trust()
        trust.refresh()

        world.now = NOW + HOUR
        with pytest.raises(RevocationUnknown):
            trust.check(world.leaf)

    def test_survives_a_restart_on_disk_with_its_age(self, world: World) -> None:
        world.trust().refresh()
        world.answers.clear()

        world.now = NOW + 23 * HOUR
        world.trust().check(world.leaf)

        world.now = NOW + 24 * HOUR
        with pytest.raises(RevocationUnknown):
            world.trust().check(world.leaf)

    def test_does_not_give_way_to_an_older_one(self, world: World) -> None:
        world.answers[ISSUING] = world.issuing.revocation_list(world.leaf)
        trust = world.trust()
        trust.refresh()
        world.answers[ISSUING] = world.issuing.revocation_list(this_update=NOW - 2 * HOUR)
        trust.refresh()

        with pytest.raises(CertificateRevoked):
            trust.check(world.leaf)

    def test_that_is_the_same_again_keeps_the_snapshot(self, world: World) -> None:
        trust = world.trust()
        trust.refresh()
        before = trust.snapshot()
        world.now += HOUR
        trust.refresh()

        assert trust.snapshot() is before

    def test_that_is_newer_makes_another_snapshot(self, world: World) -> None:
        trust = world.trust()
        trust.refresh()
        before = trust.snapshot()
        world.answers[ISSUING] = world.issuing.revocation_list(world.leaf, this_update=NOW)
        trust.refresh()

        assert trust.snapshot() is not before

    @pytest.mark.parametrize(
        ("make", "reason"),
        [
            (lambda world: b"<html>sign in</html>", "It cannot be read as a revocation list."),
            (
                lambda world: world.issuing.revocation_list().replace(b"\2\1\1", b"\2\1\7", 1),  # a version that lists do not have
                "It cannot be read as a revocation list.",
            ),
            (lambda world: Ca("World issuing").revocation_list(), "It is signed by no CA in SEGL_ENTERPRISE_CA."),
            (lambda world: Ca("Stranger").revocation_list(), "It is signed by no CA in SEGL_ENTERPRISE_CA."),
            (
                lambda world: world.issuing.revocation_list(this_update=NOW - 3 * DAY, next_update=NOW - DAY),
                "It is not one of now. Check the clocks.",
            ),
            (lambda world: world.issuing.revocation_list(this_update=NOW + HOUR), "It is not one of now. Check the clocks."),
            (
                lambda world: world.issuing.revocation_list(extension=x509.DeltaCRLIndicator(1)),
                "It has the critical extension 2.5.29.27: only complete lists are taken.",
            ),
            (
                lambda world: world.issuing.revocation_list(
                    extension=x509.IssuingDistributionPoint(None, None, False, True, None, False, False)
                ),
                "It has the critical extension 2.5.29.28: only complete lists are taken.",
            ),
        ],
    )
    def test_that_is_not_right_is_not_taken(self, world: World, make: object, reason: str, log: list[dict[str, object]]) -> None:
        world.answers[ISSUING] = make(world)  # type: ignore[operator]
        trust = world.trust()
        trust.refresh()

        assert [(line["url"], line["reason"]) for line in log] == [(ISSUING, reason)]
        with pytest.raises(RevocationUnknown):
            trust.check(world.leaf)

    def test_may_say_where_it_is_published(self, world: World) -> None:
        point = x509.IssuingDistributionPoint([x509.UniformResourceIdentifier(ISSUING)], None, False, False, None, False, False)
        world.answers[ISSUING] = world.issuing.revocation_list(extension=point)
        trust = world.trust()
        trust.refresh()

        trust.check(world.leaf)

    def test_may_be_pem(self, world: World) -> None:
        world.answers[ISSUING] = x509.load_der_x509_crl(world.answers[ISSUING]).public_bytes(Encoding.PEM)
        trust = world.trust()
        trust.refresh()

        trust.check(world.leaf)


class TestFetching:
    def test_takes_what_is_answered(self) -> None:
        with serving_lists() as lists:
            lists.answers["a"] = b"list"
            assert fetch_list(lists.url("a")) == b"list"

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "The address answered 404."),
            (b"elsewhere", "The address answered 302."),
            (b"x" * (MAX_LIST_BYTES + 1), "The answer is larger than 1048576 bytes."),
        ],
    )
    def test_refuses_errors_redirects_and_floods(self, content: bytes | None, message: str) -> None:
        with serving_lists() as lists:
            if content is not None:
                lists.answers["a"] = content
            with pytest.raises(RevocationListRefused, match=message):
                fetch_list(lists.url("a"))

    def test_goes_on_in_the_background_and_holds_nobody_up(self, world: World) -> None:
        answers, world.answers = world.answers, {}
        trust = world.trust()
        started = time.monotonic()
        trust.start()
        with pytest.raises(RevocationUnknown):
            trust.check(world.leaf)
        assert time.monotonic() - started < 1

        assert not trust.wait_for_lists(0.1)

        world.answers = answers

        assert trust.wait_for_lists(30)
        assert any(thread.name == "revocation-lists" and thread.daemon for thread in threading.enumerate())


class TestTheFolder:
    def test_without_a_certificate_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(TrustUnreadable, match=r"holds no CA certificate\. Put the root and issuing CA certificates of senders there"):
            read_certificates(tmp_path)

    def test_with_something_else_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "notes.pem").write_text("remember the milk")
        with pytest.raises(TrustUnreadable, match=r"notes.pem cannot be read as PEM certificates"):
            read_certificates(tmp_path)

    def test_with_an_organizations_certificate_is_refused(self, world: World) -> None:
        (world.folder / "ca/leaf.pem").write_bytes(world.leaf.public_bytes(Encoding.PEM))
        with pytest.raises(TrustUnreadable, match=r"leaf.pem holds a certificate that is no CA's"):
            read_certificates(world.folder / "ca")
