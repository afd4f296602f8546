"""Who gets in: mutual TLS, organization numbers, brokers and strangers (wire-spec.md 4, 5, 15)."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import warnings

import pytest

from asice.enterprise import name
from support.running_segl import RunningSegl

from .conftest import Register, caller, party
from .sending import DOT_NET_AGENT, for_one, new_queue, send
from .speaking import TEXT, XML, Api, Connection, request, tls

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
EVERY_PATH = ["/api/{org}", "/api/{org}/direct/signature-jobs", "/api/{org}/direct/signature-jobs/1/pades", "/", "/health", "/nowhere"]


def is_let_in(segl: RunningSegl, context: ssl.SSLContext, path: str) -> bool:
    """
    Return whether anything of the API answers; in TLS 1.3 a client learns only when it reads that its certificate was refused.

    nginx can end no handshake for it: there the refusal is an answer.
    """
    try:
        with Connection(int(segl.environment["SEGL_API_PORT"]), context) as connection:
            answer = connection.ask(request("GET", path))
    except ssl.SSLError as error:
        if "alert" not in str(error).lower():
            raise
        return False
    if segl.nginx is not None and answer.status == 403:
        answer.refuses(403, "NOT_AUTHORIZED")
        return False
    return True


class TestWhoHasNoGoodCertificate:
    @pytest.mark.requirement("R1")
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("path", EVERY_PATH)
    def test_gets_a_tls_alert_on_every_path(self, segl: RunningSegl, path: str, version: ssl.TLSVersion) -> None:
        context = tls(None, [segl.sandbox / "ca/root.pem"])
        context.minimum_version = context.maximum_version = version

        assert not is_let_in(segl, context, path.format(org=segl.organization("public-sender")))

    @pytest.mark.requirement("R1")
    @pytest.mark.parametrize("version", VERSIONS)
    def test_gets_a_tls_alert_when_it_is_revoked(self, segl: RunningSegl, version: ssl.TLSVersion) -> None:
        context = tls(party(segl, "revoked"), [segl.sandbox / "ca/root.pem"])
        context.minimum_version = context.maximum_version = version

        assert not is_let_in(segl, context, f"/api/{segl.organization('revoked')}")


class TestTheServer:
    @pytest.mark.requirement("R2")
    @pytest.mark.parametrize("version", VERSIONS)
    def test_speaks_tls_1_2_and_1_3(self, public: Api, version: ssl.TLSVersion) -> None:
        context = tls(public.party, [public.segl.sandbox / "ca/root.pem"])
        context.minimum_version = context.maximum_version = version

        assert is_let_in(public.segl, context, f"/api/{public.sender}")

    @pytest.mark.requirement("R2")
    def test_refuses_tls_1_1(self, public: Api) -> None:
        context = tls(public.party, [public.segl.sandbox / "ca/root.pem"])
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1

        with pytest.raises(ssl.SSLError, match=r"(?i)protocol"), public.connect_with(context):
            pass

    @pytest.mark.requirement("R4", "R5")
    def test_is_trusted_by_who_knows_the_root_alone_for_it_sends_its_issuer(self, public: Api) -> None:
        context = tls(public.party, [public.segl.sandbox / "ca/root.pem"])
        context.verify_flags &= ~ssl.VERIFY_X509_PARTIAL_CHAIN

        with public.connect_with(context) as connection:
            assert connection.ask(request("GET", f"/api/{public.sender}")).status == 200

    @pytest.mark.requirement("R5")
    def test_names_the_organization_number_that_dot_net_demands(self, public: Api) -> None:
        with public.connect() as connection:
            shown = connection.socket.getpeercert()
        assert shown is not None
        subject = {key: value for rdn in shown["subject"] for key, value in rdn}

        # .NET's text for 2.5.4.5 is SERIALNUMBER, for 2.5.4.97 OID.2.5.4.97 (wire-spec.md 4.3).
        text = ", ".join(f"{'SERIALNUMBER' if key == 'serialNumber' else key}={value}" for key, value in subject.items())
        assert re.search(r"SERIALNUMBER=984661185|CN=984661185|(OID\.2\.5\.4\.97|organizationIdentifier)=(NTRNO-)?984661185", text)

    @pytest.mark.requirement("R5")
    @pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
    def test_stands_under_two_cas_that_lie_in_the_folder_for_clients(self, public: Api) -> None:
        command = ["openssl", "s_client", "-showcerts", "-connect", f"127.0.0.1:{public.segl.environment['SEGL_API_PORT']}"]
        command += ["-cert", str(public.party.pem), "-key", str(public.party.key_file)]
        seen = subprocess.run(command, input="", capture_output=True, timeout=30, check=False, text=True).stdout
        above = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", seen, re.DOTALL)[1:]
        known = "".join(path.read_text() for path in (public.segl.sandbox / "ca").iterdir())

        assert len(list((public.segl.sandbox / "ca").iterdir())) == 2
        assert above
        assert all(one in known for one in above)


class TestAnOrganization:
    @pytest.mark.requirement("R3")
    @pytest.mark.parametrize(
        "attributes",
        [
            {"serialNumber": "{}", "CN": "Ny AS"},
            {"organizationIdentifier": "NTRNO-{}", "CN": "Ny AS"},
            {"CN": "{}"},
        ],
        ids=["SEID 1", "SEID 2", "common name"],
    )
    def test_is_known_by_its_certificate(self, segl: RunningSegl, register: Register, attributes: dict[str, str]) -> None:
        api = register.enroll(segl, lambda number: name(**{key: value.format(number) for key, value in attributes.items()}))

        assert api.get(f"/api/{api.sender}").body.decode() == f"You are {api.sender}"

    @pytest.mark.requirement("R6")
    @pytest.mark.parametrize("headers", [(), (("Accept", "*/*"),), (DOT_NET_AGENT,)], ids=["nothing", "curl", ".NET"])
    def test_is_greeted(self, public: Api, headers: tuple[tuple[str, str], ...]) -> None:
        answer = public.ask(request("GET", f"/api/{public.sender}", *headers))

        assert (answer.status, answer.header("content-type")) == (200, TEXT)
        assert answer.body.decode() == f"You are {public.sender}"

    @pytest.mark.requirement("R9")
    @pytest.mark.parametrize("address", ["{own}", "{sender}", "12345", "999999999"])
    def test_without_access_is_told_so_and_nothing_else(self, segl: RunningSegl, address: str) -> None:
        stranger = caller(segl, "stranger")
        url = address.format(own=stranger.sender, sender=segl.organization("public-sender"))

        answer = stranger.get(f"/api/{url}")

        answer.refuses(403, "NOT_AUTHORIZED", "has no access")
        certificate = stranger.party.certificates[0]
        for told in (stranger.sender, f"{certificate.not_valid_after_utc:%Y-%m-%d}", f"{certificate.serial_number:x}", "Ukjent Handel AS"):
            assert told.lower() in answer.message.lower()

    @pytest.mark.requirement("R9")
    @pytest.mark.parametrize("address", ["12345", "1234567890", "abcdefghi", "31284590%33x", "%00", "-312845903"])
    def test_is_told_nothing_of_an_address_without_organization_number(self, public: Api, address: str) -> None:
        answer = public.get(f"/api/{address}")

        if address == "%00" and public.segl.nginx is not None:
            answer.refuses(400, "MALFORMED_REQUEST")  # nginx passes no NUL on
            return
        answer.refuses(403, "NOT_AUTHORIZED", "The address holds no organization number. Write the sender's nine digits after /api/.")
        assert "BROKER" not in answer.body.decode()


class TestABroker:
    @pytest.mark.requirement("R7")
    @pytest.mark.parametrize("sender", ["public-sender", "private-sender"])
    def test_is_greeted_in_two_lines(self, segl: RunningSegl, sender: str) -> None:
        broker = caller(segl, "broker", sender=sender)

        answer = broker.get(f"/api/{broker.sender}")

        assert answer.header("content-type") == TEXT
        assert answer.body.decode() == f"You are {broker.party.number},\noperating on behalf of {broker.sender}"

    @pytest.mark.requirement("R8")
    def test_without_the_right_is_told_which_certificate_and_which_sender(self, segl: RunningSegl) -> None:
        private = caller(segl, "private-sender", sender="public-sender")

        answer = private.get(f"/api/{private.sender}")

        answer.refuses(403, "BROKER_NOT_AUTHORIZED")
        assert answer.header("content-type") == XML
        certificate = private.party.certificates[0]
        told = [private.party.number, private.sender, "Nordlys Elektro AS", "Segl sandbox enterprise issuing CA"]
        told += [f"{certificate.not_valid_before_utc:%Y-%m-%d}", f"{certificate.not_valid_after_utc:%Y-%m-%d}"]
        told += [f"{certificate.serial_number:x}"]
        for words in told:
            assert words.lower() in answer.message.lower()

    @pytest.mark.requirement("R8")
    def test_is_told_the_same_of_senders_that_are_unknown(self, public: Api) -> None:
        public.for_sender("319999998").get("/api/319999998").refuses(403, "BROKER_NOT_AUTHORIZED", "319999998")

    @pytest.mark.requirement("R10")
    def test_does_all_that_its_sender_does(self, broker: Api, people: list[str]) -> None:
        queue = new_queue("broker")
        job = send(
            broker,
            for_one(
                people[0],
                after=f"<status-retrieval-method>POLLING</status-retrieval-method><polling-queue>{queue}</polling-queue>",
            ),
        )
        assert broker.post(job.hrefs[0]).status == 200
        token = job.token(people[0])
        assert job.status(token).status == 200

        polled = broker.poll(f"?polling_queue={queue}")

        assert polled.text("signature-job-id") == str(job.id)
        assert broker.get(polled.text("pades-url")).body.startswith(b"%PDF-")
        assert broker.get(polled.text("xades-url")).status == 200
        assert broker.post(polled.text("confirmation-url")).status == 200
        broker.delete(polled.text("delete-documents-url")).refuses(409, "DOCUMENTS_NOT_DELETABLE")

    @pytest.mark.requirement("R10")
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", ""),
            ("GET", "?polling_queue"),
            ("POST", ""),
            ("GET", "/{job}/status?status_query_token=a"),
            ("POST", "/{job}/signers/1"),
            ("POST", "/{job}/complete"),
            ("DELETE", "/{job}/documents"),
            ("GET", "/{job}/pades"),
            ("GET", "/{job}/xades/1"),
        ],
    )
    def test_without_the_right_is_refused_everywhere(
        self, segl: RunningSegl, public: Api, people: list[str], method: str, path: str
    ) -> None:
        job = send(public, for_one(people[0]))
        private = caller(segl, "private-sender", sender="public-sender")

        answer = private.ask(request(method, private.jobs + path.format(job=job.id), ("Content-Length", "0")))

        answer.refuses(403, "BROKER_NOT_AUTHORIZED")
