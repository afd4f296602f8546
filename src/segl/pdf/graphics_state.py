"""
Whether the q and Q of a page's content pair up, told without making an object of every operand.

Source: ISO 32000-1, 7.2 (tokens, strings, comments), 8.4.2 (graphics state stack). qpdf's parser is asked only where inline images stand,
because where their data end is a matter of judgement, and two judgements must not differ.
"""

from __future__ import annotations

import re

import pikepdf

_BEFORE = rb"(?<![^\x00\t\n\x0c\r ()<>\[\]{}/%])"
_AFTER = rb"(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])"
# Comments, strings and names are matched so as to be passed over: a q inside them is no operator.
_TOKENS = re.compile(
    rb"%[^\r\n]*"
    rb"|/[^\x00\t\n\x0c\r ()<>\[\]{}/%]*"
    rb"|\((?:[^()\\]|\\.)*+\)"
    rb"|(?P<nested>\()"
    rb"|" + _BEFORE + rb"(?P<operator>[qQ]|BI)" + _AFTER,
    re.DOTALL,
)
_PARENTHESIS = re.compile(rb"\\.|[()]", re.DOTALL)


class InlineImageFound(Exception):
    """The content holds an inline image, so its tokens cannot be told by their look alone. Ask a full parser."""


def is_balanced(content: bytes) -> bool:
    """
    Return whether every Q follows its q and every q finds its Q.

    :raises InlineImageFound: if only a full parser can tell.
    """
    depth, position = 0, 0
    while (token := _TOKENS.search(content, position)) is not None:
        position = token.end()
        if token["nested"] is not None:
            position = _end_of_string(content, position)
        elif (operator := token["operator"]) is not None:
            if operator == b"BI":
                raise InlineImageFound("The content holds an inline image. Ask a full parser.")
            depth += 1 if operator == b"q" else -1
            if depth < 0:
                return False
    return depth == 0


def _end_of_string(content: bytes, position: int) -> int:
    depth = 1
    for mark in _PARENTHESIS.finditer(content, position):
        depth += {b"(": 1, b")": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.end()
    return len(content)


def is_page_balanced(page: pikepdf.Page) -> bool:
    """Return the same for a page with inline images, by qpdf's parser: some 2 seconds for a million operators."""
    depth = 0
    for instruction in pikepdf.parse_content_stream(page, "q Q"):
        depth += 1 if str(instruction.operator) == "q" else -1
        if depth < 0:
            return False
    return depth == 0
