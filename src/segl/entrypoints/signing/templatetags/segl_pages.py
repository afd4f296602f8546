"""What templates may say beside HTML: `text`, `icon`, `asset`."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from segl.entrypoints.signing import assets
from segl.entrypoints.signing.catalogue import marked_up

register = template.Library()


@register.simple_tag(takes_context=True)
def text(context: dict[str, Any], key: str, **values: object) -> SafeString:
    """Return a text of the catalogue in the page's language (the template context's `language`), values escaped."""
    return marked_up(key, context["language"], **values)


@register.simple_tag
def asset(name: str) -> str:
    """Return the address of a file of static/segl."""
    return assets.address(name)


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """Return one of the vendored icons as inline SVG; it says nothing to screen readers, the words beside it do."""
    drawing = (assets.FOLDER / "vendor/icons" / f"{name}.svg").read_text()
    opening = '<svg class="icon" viewBox="0 0 24 24" fill="none" aria-hidden="true" focusable="false">'
    # The drawings are files of this package, not input.
    return mark_safe(re.sub(r"^<svg[^>]*>", opening, drawing).replace("\n", ""))  # noqa: S308
