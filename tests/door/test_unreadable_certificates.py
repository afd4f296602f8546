"""A certificate that OpenSSL lets through and Segl cannot read: refused in XML, and no end of what serves."""

from __future__ import annotations

import ssl

import pytest
from django.http import HttpRequest, HttpResponse
from lxml import etree

from asice.enterprise import unreadable_certificates
from segl.entrypoints.api.door.refusals import refused
from segl.entrypoints.api.middleware import PeerCertificate

UNREADABLE = [pytest.param(der, id=what) for what, der in unreadable_certificates().items() if der]


class Connection(ssl.SSLSocket):
    """A connection whose handshake let this certificate through."""

    def __init__(self, der: bytes) -> None:
        self.der = der

    def getpeercert(self, binary_form: bool = False) -> bytes:  # type: ignore[override]
        return self.der

    def __del__(self) -> None:
        pass


@pytest.mark.parametrize("der", UNREADABLE)
def test_is_refused_in_xml(der: bytes) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        raise AssertionError("a caller without a readable certificate came in")

    request = HttpRequest()
    request.META["gunicorn.socket"] = Connection(der)
    answer = PeerCertificate(view)(request)
    error = etree.fromstring(answer.content)
    assert answer.status_code == 403
    assert [child.text for child in error] == ["NOT_AUTHORIZED", "The certificate cannot be read. Use another certificate.", "CLIENT"]


@pytest.mark.parametrize("der", UNREADABLE)
def test_makes_a_line_of_the_refused_handshake(der: bytes) -> None:
    told = refused(TimeoutError("x"), address="192.0.2.1", presented=der)
    assert told.address == "192.0.2.1"
