"""What the sandbox's templates may say beside HTML: `say` for a text, `stamp` for a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils.safestring import SafeString

from segl.sandbox.pages import catalogue

register = template.Library()


@register.simple_tag(takes_context=True)
def say(context: dict[str, Any], key: str, **values: object) -> SafeString:
    """Return a text of the sandbox's catalogue in the page's language, values escaped."""
    return catalogue.marked_up(key, context["language"], **values)


@register.filter
def stamp(at: datetime) -> str:
    """Return an instant in Oslo time, to the second."""
    return catalogue.stamp(at)
