"""
Each process tells whether it can work: the database answers, the worker is alive, and no background work is dead or overdue.

Open to whoever reaches the port, so it names parts and states, never content.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse

from segl.database import work
from segl.database.models import Organization, WorkItem

OVERDUE = timedelta(minutes=2)
WORKER_SILENCE = timedelta(seconds=30)


def health(request: HttpRequest) -> JsonResponse:
    """200 when this process can work, 503 when it cannot; the body tells which part."""
    parts = {**state_of_health(), **state_of_neighbours()}
    status = 200 if parts["database"] == "ok" else 503
    return JsonResponse({"process": settings.SEGL_DOOR, **parts}, status=status, headers={"Cache-Control": "no-store"})


def state_of_health() -> dict[str, str]:
    """Return the state of each part."""
    try:
        Organization.objects.exists()
        now = settings.SEGL_PORTS.clock.now()
        dead = WorkItem.objects.filter(is_dead=True).count()
        overdue = WorkItem.objects.filter(is_dead=False, due_at__lt=now - OVERDUE).count()
        is_worker_alive = work.is_alive("worker", within=WORKER_SILENCE)
        waiting = WorkItem.objects.filter(is_dead=False).exclude(waits_for="").values_list("waits_for", flat=True).first()
    except DatabaseError:
        return {"database": "unavailable"}
    parts = {
        "database": "ok",
        "worker": "ok" if is_worker_alive else "silent",
        "work": "ok" if not dead and not overdue else f"{dead} dead, {overdue} overdue",
    }
    if waiting:
        parts["waits_for"] = waiting
    return parts


def state_of_neighbours() -> dict[str, str]:
    """Return what this very process found when it last needed each neighbour; it asks nobody now."""
    ports = settings.SEGL_PORTS
    is_down = {
        "time_stamps": ports.time_stamps.is_down(),
        "revocation_lists": ports.validation.is_down(),
        "senders_revocation_lists": ports.enterprise.is_down(),
        **{f"eid {provider}": True for provider in ports.identity_providers.down()},
    }
    return {part: "unavailable" if down else "ok" for part, down in is_down.items()}
