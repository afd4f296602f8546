"""Where what must not spread may stand: a journey with marked values, and then a search of every column and every log line (reliability.md B-58)."""

from __future__ import annotations

from support.direct_jobs import INGRID, JONAS, PUBLIC, Asked, create, pdf, visit, work
from support.neighbours import Neighbourhood

from .calling import API, WEB, address, call, everything_stored
from .test_logs import Lines, lines
from .test_separation import ask, names_by_cookie

assert lines  # the fixture

PERMITTED: dict[str, set[str]] = {
    "Document.file_name": {"file name"},
    "Document.title": {"file name"},  # the builder's titles repeat it
    "Job.polling_queue": {"queue"},
    "Job.reference": {"reference"},
    "Job.title": {"title"},
    "Signature.evidence": {"file name", "name"},  # what was signed, and by whom
    "Signature.name": {"name"},
    "Signer.national_identity_number": {"identity number"},
    "SigningAttempt.intent": {"file name"},  # what was about to be signed
    "StatusChange.queue": {"queue"},
}
"""By column: what of the journey may stand in it in clear. No token, cookie or code, no stranger, and no word of a document stands anywhere."""


class TestAWholeJourney:
    def test_leaves_what_is_personal_in_the_columns_made_for_it_and_in_no_log(self, near: Neighbourhood, lines: Lines) -> None:
        near.set_policy(rate_limit=100_000)
        asked = Asked(
            signers=[INGRID, "sentinel-customer"],
            title="sentinel-title",
            reference="sentinel-reference",
            queue="sentinel-queue",
            documents={"sentinel-file.pdf": pdf("sentinel-words")},
            identifier_format="DATE_OF_BIRTH_AND_NAME",
        )
        job = create(near, Asked(**{**asked.__dict__, "signers": [INGRID]}))
        visitor = visit(near, job)
        before = visitor.secret
        with address(near, WEB):
            pages = [ask("GET", name, visitor.sitting_id, {"*": "sentinel-guess"}) for name in names_by_cookie()]
            pages += [ask("GET", name, visitor.sitting_id, {"*": visitor.secret}) for name in names_by_cookie()]
        answer = visitor.logs_in(visitor.begins(), person=JONAS)
        visitor.comes_back(answer)
        url = visitor.begins()
        answer = visitor.logs_in(url)
        visitor.comes_back(answer)
        work(near)
        exit_url = visitor.leaves()
        token = exit_url.partition("status_query_token=")[2].partition("#")[0]
        jobs = f"/api/{PUBLIC}/direct/signature-jobs"
        with address(near, API):
            refusals = [
                call(near, "private-sender", "GET", f"{jobs}/{job.job.pk}/status?status_query_token={token}"),
                call(near, "public-sender", "GET", f"{jobs}/{job.job.pk}/status?status_query_token=sentinel-guess"),
                call(near, "public-sender", "GET", f"{jobs}/{job.job.pk}/xades/sentinel-place"),
                call(near, "public-sender", "POST", jobs, b"--x\r\n\r\nsentinel-body\r\n--x--", "multipart/mixed; boundary=x"),
                call(near, "public-sender", "POST", f"{jobs}/{job.job.pk}/signers/1", b"<sentinel-element/>"),
            ]
        marked = {
            "identity number": INGRID,
            "another's identity number": JONAS,
            "name": "Ingrid",
            "another's name": "Myhre",
            "title": "sentinel-title",
            "reference": "sentinel-reference",
            "queue": "sentinel-queue",
            "file name": "sentinel-file",
            "words of the document": "sentinel-words",
            "redirect token": job.redirects[0].token,
            "cookie": visitor.secret,
            "cookie before the log-in": before,
            "status query token": token,
            "log-in code": answer["code"],
            "log-in state": answer["state"],
            "guess": "sentinel-guess",
            "body": "sentinel-body",
        }
        found: dict[str, set[str]] = {}
        for table, rows in everything_stored(near).items():
            for row in rows:
                for column, value in row.items():
                    text = bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)
                    for what, word in marked.items():
                        if word in text:
                            found.setdefault(f"{table}.{column}", set()).add(what)
        assert found == PERMITTED, sorted(found.items())
        told = lines.look()
        assert len(told) > 10
        assert [what for what, word in marked.items() if word in lines.text] == []
        for refusal in refusals:
            assert refusal.status_code >= 400
            assert [what for what, word in marked.items() if word.encode() in refusal.content] == []
        assert pages
