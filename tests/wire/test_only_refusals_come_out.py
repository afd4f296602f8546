"""Whatever bytes a sender sends, each door of the wire room either reads them or raises RequestRefused: nothing else comes out."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from segl.wire.addresses import read_exit_url
from segl.wire.direct_job import parse_manifest, parse_request, parse_signer_update
from segl.wire.errors import RequestRefused
from segl.wire.multipart import split
from segl.wire.polling import polling_queue
from support.mutation import mutated
from wire.wire_xml import BUYER, custom_signer, dot_net_multipart, java_multipart, manifest, request, signer

ROUNDS = 400
PARTS = [java_multipart(b"<a/>", b"PK"), dot_net_multipart(b"<a/>", b"PK")]


def split_body(data: bytes) -> None:
    split(PARTS[0][0], data)


def split_type(data: bytes) -> None:
    split(data.decode("latin-1"), PARTS[0][1])


def read_request(data: bytes) -> None:
    parse_request(data, is_sandbox=True)


def read_url(data: bytes) -> None:
    read_exit_url(data.decode("utf-8", "surrogateescape"), is_sandbox=True, what="error-url").with_status_query_token("t")


def read_queue(data: bytes) -> None:
    polling_queue(data.decode("latin-1"))


DOORS: list[tuple[str, Callable[[bytes], object], bytes]] = [
    ("multipart body", split_body, PARTS[0][1]),
    ("multipart type", split_type, PARTS[0][0].encode()),
    ("request", read_request, request()),
    ("manifest", parse_manifest, manifest(signers=(signer(BUYER), custom_signer("clerk")))),
    ("signer update", parse_signer_update, request("<redirect-url/>", root="direct-signer-update-request")),
    ("exit URL", read_url, "https://blåbær.example:8443/a%20b?c=d&e#f".encode()),
    ("exit URL of numbers", read_url, b"https://[2001:db8::7]:8443/a?b"),
    ("polling queue", read_queue, b"a=b&polling_queue=my%20queue%2F%C3%A6"),
]


@pytest.mark.parametrize(("door", "example"), [(door, example) for _, door, example in DOORS], ids=[name for name, _, _ in DOORS])
def test_at_this_door(door: Callable[[bytes], object], example: bytes) -> None:
    chance = random.Random(20260123)
    door(example)
    outcomes = set()
    for _ in range(ROUNDS):
        try:
            door(mutated(example, chance))
            outcomes.add("read")
        except RequestRefused as refused:
            assert "\n" not in refused.message
            outcomes.add("refused")
    assert "refused" in outcomes
