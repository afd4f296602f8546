"""Redirect URLs: they work once (reliability.md B-21), for one browser, until a newer one replaces them."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections

from segl.actions.access import JobNotFound, SignerNotFound, SittingNotFound, SittingTimedOut, hashed, sitting
from segl.actions.go_back import go_back
from segl.actions.issue_redirect_url import IssuedRedirect, issue_redirect_url
from segl.actions.open_redirect import LinkNotUsable, open_redirect, sitting_of_token
from segl.actions.reject import reject
from segl.actions.sittings import set_language
from segl.adapters.chance import SystemChance
from segl.ceremony.sitting import Stage
from segl.database.models import AuditEvent, Job, RedirectToken, Sitting
from segl.jobs.job import SignerNotWaiting
from segl.values import Language
from support.direct_jobs import INGRID, JONAS, PRIVATE, PUBLIC, Asked, create, visit
from support.neighbours import NOW, Neighbourhood

RACERS = 50


def issue(near: Neighbourhood, job: Job, *, position: int = 1, sender: str = PUBLIC) -> IssuedRedirect:
    return issue_redirect_url(near.ports, sender=sender, job_id=job.pk, position=position)


class TestARedirectUrl:
    @pytest.mark.requirement("R48")
    def test_opens_a_sitting_once(self, near: Neighbourhood) -> None:
        token = create(near).redirects[0].token
        opened = open_redirect(near.ports, token=token, cookie=None)

        assert sitting(near.ports, sitting_id=opened.sitting_id, secret=opened.secret).stage is Stage.READING
        with pytest.raises(LinkNotUsable):
            open_redirect(near.ports, token=token, cookie=None)
        with pytest.raises(LinkNotUsable):
            open_redirect(near.ports, token=token, cookie="somebody-elses")
        assert Sitting.objects.count() == 1
        assert AuditEvent.objects.filter(kind="sitting-opened").count() == 1

    @pytest.mark.requirement("R48")
    def test_may_be_reloaded_in_the_browser_that_opened_it(self, near: Neighbourhood) -> None:
        token = create(near).redirects[0].token
        assert sitting_of_token(token) is None
        opened = open_redirect(near.ports, token=token, cookie=None)
        assert sitting_of_token(token) == opened.sitting_id
        assert open_redirect(near.ports, token=token, cookie=opened.secret) == opened

    @pytest.mark.requirement("R48")
    def test_has_one_winner_among_fifty(self, near: Neighbourhood) -> None:
        token = create(near).redirects[0].token

        def come(_: int) -> bool:
            try:
                open_redirect(near.ports, token=token, cookie=None)
            except LinkNotUsable:
                return False
            finally:
                connections.close_all()
            return True

        with ThreadPoolExecutor(RACERS) as pool:
            won = list(pool.map(come, range(RACERS)))
        assert sum(won) == 1
        assert Sitting.objects.count() == 1

    def test_of_the_create_answer_lives_a_day(self, near: Neighbourhood) -> None:
        first, second = (create(near).redirects[0].token for _ in range(2))
        near.clock.move(hours=24, microseconds=-1)
        open_redirect(near.ports, token=first, cookie=None)
        near.clock.move(microseconds=1)
        with pytest.raises(LinkNotUsable):
            open_redirect(near.ports, token=second, cookie=None)

    def test_unknown_is_refused_like_a_used_one(self, near: Neighbourhood) -> None:
        with pytest.raises(LinkNotUsable):
            open_redirect(near.ports, token="x" * 43, cookie=None)

    def test_of_one_signer_opens_nothing_of_another(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        ingrid, jonas = visit(near, job, position=1), visit(near, job, position=2)
        with pytest.raises(SittingNotFound):
            sitting(near.ports, sitting_id=ingrid.sitting_id, secret=jonas.secret)


class TestANewRedirectUrl:
    @pytest.mark.requirement("R46", "R47")
    def test_opens_the_ceremony(self, near: Neighbourhood) -> None:
        job = create(near)
        issued = issue(near, job.job)
        assert issued.token != job.redirects[0].token
        assert RedirectToken.objects.get(pk=hashed(issued.token)).expires_at == NOW + timedelta(hours=1)
        opened = open_redirect(near.ports, token=issued.token, cookie=None)
        assert sitting(near.ports, sitting_id=opened.sitting_id, secret=opened.secret).stage is Stage.READING

    @pytest.mark.requirement("R49")
    def test_makes_the_earlier_unused_one_fail(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        second = issue(near, job.job)
        third = issue(near, job.job)
        for token in (job.redirects[0].token, second.token):
            with pytest.raises(LinkNotUsable):
                open_redirect(near.ports, token=token, cookie=None)
        open_redirect(near.ports, token=third.token, cookie=None)
        open_redirect(near.ports, token=job.redirects[1].token, cookie=None)

    def test_leaves_a_sitting_that_is_under_way_alone(self, near: Neighbourhood) -> None:
        job = create(near)
        visitor = visit(near, job)
        issue(near, job.job)
        assert sitting(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret).stage is Stage.READING

    def test_never_outlives_the_job(self, near: Neighbourhood) -> None:
        job = create(near).job
        near.clock.move(days=30, minutes=-10)
        issued = issue(near, job)
        assert RedirectToken.objects.get(pk=hashed(issued.token)).expires_at == NOW + timedelta(days=30)
        near.clock.move(minutes=10)
        with pytest.raises(SignerNotWaiting):
            issue(near, job)

    def test_is_not_given_to_a_signer_who_has_acted(self, near: Neighbourhood) -> None:
        job = create(near)
        visitor = visit(near, job)
        reject(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        with pytest.raises(SignerNotWaiting):
            issue(near, job.job)
        assert RedirectToken.objects.count() == 1

    def test_is_not_given_to_anybody_else(self, near: Neighbourhood) -> None:
        job = create(near).job
        with pytest.raises(JobNotFound):
            issue(near, job, sender=PRIVATE)
        with pytest.raises(SignerNotFound):
            issue(near, job, position=2)
        with pytest.raises(JobNotFound):
            issue_redirect_url(near.ports, sender=PUBLIC, job_id=job.pk + 1, position=1)

    def test_opens_a_signer_again_who_turned_back(self, near: Neighbourhood) -> None:
        job = create(near)
        visitor = visit(near, job)
        Sitting.objects.update(problem="EID_UNAVAILABLE")
        go_back(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        assert Job.objects.get().status == "FAILED"

        issued = issue(near, job.job)
        row = Job.objects.get()
        assert (row.status, row.visible_status, row.signers.get().status) == ("IN_PROGRESS", "IN_PROGRESS", "WAITING")
        open_redirect(near.ports, token=issued.token, cookie=None)


class TestAnOldUrlOpenedWhileANewOneIsIssued:
    def test_is_settled_without_a_deadlock(self, near: Neighbourhood) -> None:
        """Both touch the old token and the audit chain; each must take the job first."""
        job = create(near)
        visitor = visit(near, job)
        unused = issue(near, job.job)
        Sitting.objects.update(problem="EID_UNAVAILABLE")
        go_back(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        both_are_inside = threading.Barrier(2)

        class WaitingChance(SystemChance):
            def token(self) -> str:
                with contextlib.suppress(threading.BrokenBarrierError):
                    both_are_inside.wait(0.5)  # with the job locked only one can be here, and goes on alone
                return super().token()

        near.ports = replace(near.ports, chance=WaitingChance())

        def opens() -> bool:
            try:
                open_redirect(near.ports, token=unused.token, cookie=None)
            except LinkNotUsable:
                return False
            finally:
                connections.close_all()
            return True

        def issues() -> bool:
            try:
                return bool(issue(near, job.job).token)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            opened, issued = pool.submit(opens), pool.submit(issues)
            assert issued.result()
            assert opened.result() in {True, False}
        assert RedirectToken.objects.get(pk=hashed(unused.token)).is_replaced is not opened.result()


class TestASitting:
    def test_is_nobodys_without_its_cookie(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        for secret in (None, "", "wrong"):
            with pytest.raises(SittingNotFound):
                sitting(near.ports, sitting_id=visitor.sitting_id, secret=secret)
        with pytest.raises(SittingNotFound):
            sitting(near.ports, sitting_id="unknown", secret=visitor.secret)
        with pytest.raises(SittingNotFound):
            sitting(near.ports, sitting_id="unknown", secret="")

    def test_ends_after_half_an_hour_without_a_page(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        near.clock.move(minutes=29)
        sitting(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        near.clock.move(minutes=29)
        sitting(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        near.clock.move(minutes=30)
        with pytest.raises(SittingTimedOut):
            sitting(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)

    def test_ends_after_twelve_hours_in_all(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        for _ in range(24):
            near.clock.move(minutes=29)
            sitting(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        near.clock.move(minutes=24)
        with pytest.raises(SittingTimedOut):
            sitting(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)

    def test_keeps_its_language(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        set_language(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret, language=Language.ENGLISH)
        assert sitting(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret).language is Language.ENGLISH

    def test_stores_no_secret_in_clear(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        row = Sitting.objects.get()
        assert row.secret_sha256 == hashed(visitor.secret)
        assert visitor.secret not in str(Sitting.objects.values().get())


class TestASittingThatNeverWas:
    @pytest.mark.parametrize("sitting_id", ["", "unknown", "\0", "a\0b", "\ud800", "æ" * 400])
    def test_is_not_found_whatever_its_name(self, near: Neighbourhood, sitting_id: str) -> None:
        with pytest.raises(SittingNotFound):
            sitting(near.ports, sitting_id=sitting_id, secret="anything")
