"""The queue's name in the address, as each client writes it (wire-spec.md 12.1)."""

from __future__ import annotations

import pytest

from segl.wire.errors import ErrorCode, RequestRefused
from segl.wire.polling import polling_queue


class TestAPollingQueue:
    @pytest.mark.requirement("R58")
    @pytest.mark.parametrize(
        "query", ["", "polling_queue", "polling_queue=", "other=1", "polling_queues=x", "&", "Polling_Queue=x", "x&polling_queue"]
    )
    def test_is_the_default_one_when_missing_valueless_or_empty(self, query: str) -> None:
        assert polling_queue(query) == ""

    @pytest.mark.requirement("R59")
    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ("polling_queue=custom-queue", "custom-queue"),
            ("polling_queue=my%20queue%2F%C3%A6%2Bb", "my queue/æ+b"),  # Java
            ("polling_queue=my%20queue/%C3%A6+b", "my queue/æ+b"),  # .NET
            ("polling_queue=my%20queue/%C3%A6+&b", "my queue/æ+"),  # .NET cannot send & in a name
            ("a=1&polling_queue=x&b=2", "x"),
            ("polling_queue=a=b", "a=b"),
            ("polling_queue=a;b", "a;b"),
            ("polling_queue=%20x%20", " x "),
            ("polling_queue=CASE", "CASE"),
            ("polling_queue=100%25", "100%"),
            ("polling_queue=%2520", "%20"),
            ("polling_queue=\xc3\xa6", "æ"),  # raw bytes, as WSGI shows them
            ("polling_queue=" + "%C3%A6" * 255, "æ" * 255),
        ],
    )
    def test_is_decoded_from_percent_escapes_and_nothing_else(self, query: str, name: str) -> None:
        assert polling_queue(query) == name

    @pytest.mark.parametrize(
        ("query", "why"),
        [
            ("polling_queue=" + "x" * 256, "is longer than 255 characters. Use a shorter name."),
            ("polling_queue=a&polling_queue=a", "is given twice. Give it once."),
            ("polling_queue=100%", "holds a % that begins no escape. Write a percent sign as %25."),
            ("polling_queue=%zz", "holds a % that begins no escape. Write a percent sign as %25."),
            ("polling_queue=%E6", "is not percent-encoded UTF-8. Encode it so."),
            ("polling_queue=%ED%A0%80", "is not percent-encoded UTF-8. Encode it so."),
            ("polling_queue=\u0141", "is not percent-encoded UTF-8. Encode it so."),
            ("polling_queue=%00", "holds a character that XML cannot carry. Use the name that the job was created with."),
            ("polling_queue=a%1Bb", "holds a character that XML cannot carry. Use the name that the job was created with."),
        ],
    )
    def test_is_refused_when_no_job_could_have_it(self, query: str, why: str) -> None:
        with pytest.raises(RequestRefused) as refused:
            polling_queue(query)

        assert refused.value.code is ErrorCode.MALFORMED_REQUEST
        assert refused.value.message == f"The query parameter polling_queue {why}"
