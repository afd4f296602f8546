"""Which bundles and documents are taken and which refused, as a sender sees it (wire-spec.md 8 and 18)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from asice.builders import C14N, C14N_1_1, MANIFEST, RSA_SHA256, SHA1, SHA256, Changes, Shape
from asice.enterprise import SEID_2, issue, rsa_key
from asice.zip_builder import Entry
from pdf.builders import encrypted, pdf
from wire.wire_xml import BUYER, dot_net_multipart

from .conftest import Register
from .sending import CONTRACT, Draft, bundle, create, dot_net_create, for_one
from .speaking import XML, Answer, Api, Party

FILE = "0000_avtale.pdf"


def changed(**changes: object) -> Draft:
    return for_one(BUYER, changes=Changes(**changes))  # type: ignore[arg-type]


def swap(old: str, new: str, times: int = -1) -> object:
    def change(xml: str) -> str:
        assert old in xml
        return xml.replace(old, new, times)

    return change


def with_file(name: str, content: bytes) -> object:
    def change(files: dict[str, bytes]) -> Mapping[str, bytes]:
        return files | {name: content}

    return change


def without(name: str) -> object:
    def change(files: dict[str, bytes]) -> Mapping[str, bytes]:
        return {key: content for key, content in files.items() if key != name}

    return change


def wrong_digest(xml: str) -> str:
    """Spoil the digest of the certificate."""
    before, tag, rest = xml.rpartition("</CertDigest>")
    at = before.rindex("DigestValue>", 0, before.rindex("</")) + len("DigestValue>")
    return before[:at] + ("A" if before[at] != "A" else "B") + before[at + 1 :] + tag + rest


def post_bundle(api: Api, draft: Draft, wrapped: bytes) -> Answer:
    content_type, body = dot_net_multipart(draft.request_xml(), wrapped)
    return api.post(api.jobs, ("Content-Type", content_type), ("Accept", XML), body=body)


class TestABundle:
    @pytest.mark.requirement("R37", "R38")
    @pytest.mark.parametrize("mimetype", [None, b"application/vnd.etsi.asic-e+zip"])
    def test_may_have_a_mimetype_entry(self, public: Api, mimetype: bytes | None) -> None:
        assert create(public, for_one(BUYER, mimetype=mimetype)).status == 200

    @pytest.mark.requirement("R37", "R39")
    @pytest.mark.parametrize("shape", list(Shape))
    def test_may_have_every_entry_order_of_the_clients(self, public: Api, shape: Shape) -> None:
        draft = for_one(BUYER)

        assert post_bundle(public, draft, bundle(draft, sender=public.sender, signed_by=public.party, shape=shape)).status == 200

    @pytest.mark.requirement("R40")
    @pytest.mark.parametrize("serial", ["-17", "0", "99999999999999999999999999"])
    def test_may_name_its_issuer_and_serial_number_in_any_way(self, public: Api, serial: str) -> None:
        number = str(public.party.certificates[0].serial_number)
        odd = swap("CN=Test Class 3 CA,2.5.4.97=#130f4e54524e4f2d393833313633333237,C=NO", "S=Oslo, OID.9=x, SERIALNUMBER=1")

        def both(xml: str) -> str:
            return odd(xml).replace(f">{number}<", f">{serial}<")  # type: ignore[operator]

        assert create(public, changed(before_signing=both)).status == 200

    @pytest.mark.requirement("R41")
    def test_may_name_its_certificate_by_sha_256(self, public: Api) -> None:
        import base64
        import hashlib
        import re

        der = public.party.certificates[0].public_bytes(Encoding.DER)
        value = base64.b64encode(hashlib.sha256(der).digest()).decode()

        def modern(xml: str) -> str:
            return re.sub(
                rf'(<CertDigest><ns2:DigestMethod Algorithm="){re.escape(SHA1)}("/><ns2:DigestValue>)[^<]*',
                rf"\g<1>{SHA256}\g<2>{value}",
                xml,
            )

        assert create(public, changed(before_signing=modern)).status == 200

    @pytest.mark.requirement("R41")
    @pytest.mark.parametrize(
        "change",
        [
            swap(f'<DigestMethod Algorithm="{SHA256}"/>', f'<DigestMethod Algorithm="{SHA1}"/>', 1),
            swap(RSA_SHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        ],
        ids=["reference", "signature method"],
    )
    def test_with_sha_1_anywhere_else_is_refused(self, public: Api, change: object) -> None:
        create(public, changed(before_signing=change)).refuses(400, "ASICE_VALIDATION_FAILED")

    @pytest.mark.requirement("R42")
    @pytest.mark.parametrize("method", [C14N, C14N_1_1])
    def test_may_use_either_canonicalization(self, public: Api, method: str) -> None:
        change = swap(f'<CanonicalizationMethod Algorithm="{C14N}"/>', f'<CanonicalizationMethod Algorithm="{method}"/>')

        assert create(public, changed(before_signing=change)).status == 200

    @pytest.mark.requirement("R43")
    @pytest.mark.parametrize(
        "changes",
        [
            Changes(entries=with_file(FILE, CONTRACT.replace(b"Avtale", b"Avtald"))),  # type: ignore[arg-type]
            Changes(entries=lambda files: files | {MANIFEST: files[MANIFEST].replace(b"Oppdrag", b"Opptrag")}),
            Changes(entries=with_file("extra.pdf", CONTRACT)),  # type: ignore[arg-type]
            Changes(entries=without(FILE)),  # type: ignore[arg-type]
            Changes(before_signing=swap(f'URI="{FILE}"', 'URI="http://127.0.0.1:9/a.pdf"')),  # type: ignore[arg-type]
            Changes(before_signing=swap(f'URI="{FILE}"', 'URI="../a.pdf"')),  # type: ignore[arg-type]
            Changes(entries=with_file("META-INF/signatures2.xml", b"<x/>")),  # type: ignore[arg-type]
            Changes(before_signing=wrong_digest),
            Changes(entries=without("META-INF/signatures.xml")),  # type: ignore[arg-type]
        ],
        ids=[
            "document byte",
            "manifest byte",
            "extra file",
            "missing file",
            "reference to the net",
            "reference outside",
            "second signature",
            "certificate digest",
            "no signature",
        ],
    )
    def test_that_does_not_hold_together_is_refused(self, public: Api, changes: Changes) -> None:
        create(public, for_one(BUYER, changes=changes)).refuses(400, "ASICE_VALIDATION_FAILED")

    @pytest.mark.requirement("R44")
    def test_signed_by_a_certificate_of_no_accepted_ca_is_refused(self, public: Api, register: Register) -> None:
        key = rsa_key("contract")
        pem, key_file = register.folder / "foreign.pem", register.folder / "foreign.key"
        pem.write_bytes(issue(SEID_2, key).public_bytes(Encoding.PEM))
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        draft = for_one(BUYER)
        wrapped = bundle(draft, sender=public.sender, signed_by=Party(number="987654321", pem=pem, key_file=key_file))

        post_bundle(public, draft, wrapped).refuses(400, "ASICE_VALIDATION_FAILED")

    @pytest.mark.requirement("R44")
    def test_signed_by_an_organization_that_has_no_part_in_it_is_refused(self, public: Api, private: Api) -> None:
        draft = for_one(BUYER)
        wrapped = bundle(draft, sender=public.sender, signed_by=private.party)

        post_bundle(public, draft, wrapped).refuses(400, "ASICE_VALIDATION_FAILED", "neither the sender nor the caller")

    @pytest.mark.requirement("R44")
    def test_signed_by_a_revoked_certificate_is_refused(self, public: Api) -> None:
        from .conftest import party

        draft = for_one(BUYER)
        wrapped = bundle(draft, sender=public.sender, signed_by=party(public.segl, "revoked"))

        post_bundle(public, draft, wrapped).refuses(400, "ASICE_VALIDATION_FAILED")

    @pytest.mark.requirement("R10")
    def test_may_be_signed_by_the_sender_though_the_broker_calls(self, broker: Api, public: Api) -> None:
        draft = for_one(BUYER)

        assert post_bundle(broker, draft, bundle(draft, sender=broker.sender, signed_by=public.party)).status == 200

    @pytest.mark.parametrize(("drift", "status"), [(-240, 200), (240, 200), (-400, 400), (400, 400)])
    def test_may_come_from_a_clock_that_is_five_minutes_off(self, public: Api, drift: float, status: int) -> None:
        draft = for_one(BUYER)

        answer = post_bundle(public, draft, bundle(draft, sender=public.sender, signed_by=public.party, drift=drift))

        assert answer.status == status
        assert status == 200 or answer.error_code == "ASICE_VALIDATION_FAILED"


class TestAZipThatIsATrap:
    @pytest.mark.requirement("R45")
    @pytest.mark.parametrize(
        "archive",
        [
            lambda entries: [replace(entries[0], name="../" + str(entries[0].name)), *entries[1:]],
            lambda entries: [replace(entries[0], name="/etc/a.pdf"), *entries[1:]],
            lambda entries: [replace(entries[0], flags=entries[0].flags | 1), *entries[1:]],
            lambda entries: [entries[0], *entries],
            lambda entries: [*entries, *(Entry(name=f"{n}.pdf") for n in range(40))],
            lambda entries: [*entries, Entry(name="zeros.pdf", content=bytes(64 * 1024 * 1024))],
        ],
        ids=["path upwards", "absolute path", "encrypted", "same name twice", "many entries", "bomb"],
    )
    def test_is_refused(self, public: Api, archive: object) -> None:
        create(public, changed(archive=archive)).refuses(400, "ASICE_VALIDATION_FAILED")

    @pytest.mark.requirement("R45")
    def test_that_lies_about_its_size_is_refused(self, public: Api) -> None:
        large = zlib.compress(bytes(50 * 1024 * 1024), 9)[2:-4]

        def lie(entries: list[Entry]) -> Sequence[Entry]:
            return [replace(entries[0], packed=large), *entries[1:]]

        create(public, changed(archive=lie)).refuses(400, "ASICE_VALIDATION_FAILED")

    @pytest.mark.requirement("R45")
    @pytest.mark.parametrize(
        "wrapped", [b"", b"PK", b"x" * 1000, struct.pack("<4s18x", b"PK\x05\x06")], ids=["none", "cut", "noise", "empty"]
    )
    def test_or_no_zip_at_all_is_refused(self, public: Api, wrapped: bytes) -> None:
        post_bundle(public, for_one(BUYER), wrapped).refuses(400, "ASICE_VALIDATION_FAILED")


class TestADocument:
    @pytest.mark.requirement("R33")
    @pytest.mark.parametrize("content", [encrypted(user="secret"), encrypted(user=""), pdf(version="2.0"), b"hello", b"%PDF-1.7\nnothing"])
    def test_that_is_no_plain_pdf_is_refused(self, public: Api, content: bytes) -> None:
        answer = create(public, for_one(BUYER, files={FILE: content}))

        answer.refuses(400, "DOCUMENT_REJECTED")

    @pytest.mark.requirement("R33")
    @pytest.mark.parametrize("version", ["1.0", "1.8"])
    def test_of_another_version_is_refused(self, public: Api, version: str) -> None:
        content = pdf().replace(b"%PDF-1.7", f"%PDF-{version}".encode(), 1)

        create(public, for_one(BUYER, files={FILE: content})).refuses(400, "DOCUMENT_REJECTED")

    def test_that_the_manifest_names_and_the_bundle_lacks_is_refused(self, public: Api) -> None:
        draft = for_one(BUYER, listed='<documents><document href="none.pdf" mime="application/pdf"><title>T</title></document></documents>')

        assert create(public, draft).status == 400

    @pytest.mark.parametrize("name", ["a+b.pdf", "vedlegg nr 1.pdf", "søknad.pdf", "100%.pdf"])
    def test_may_have_an_odd_name_from_either_client(self, public: Api, name: str) -> None:
        draft = for_one(BUYER, files={name: CONTRACT})

        assert create(public, draft).status == 200
        assert public.ask(dot_net_create(public, draft)).status == 200
