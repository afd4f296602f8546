"""
What a page may load, run and lead to: the Content-Security-Policy of pages and of the documents in them (reliability B-54).
"""

from __future__ import annotations

from collections.abc import Sequence

DOCUMENT_POLICY = "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
"""For what a sender wrote: nothing in it runs, wherever it is opened."""


def page_policy(form_targets: Sequence[str] = ()) -> str:
    """
    Return the Content-Security-Policy of a page.

    `form_targets` are the origins a form's answer redirects to: Chromium applies form-action to redirects too.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            # Designsystemet's icons are masks with data: addresses.
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            " ".join(("form-action 'self'", *form_targets)),
            "frame-ancestors 'none'",
        )
    )
