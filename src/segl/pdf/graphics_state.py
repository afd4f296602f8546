"""
Whether the q and Q of a page's content pair up, told without making an object of every operand.

Source: ISO 32000-1, 7.2 (tokens, strings, comments), 8.4.2 (graphics state stack). qpdf's parser is asked only where inline images stand,
because where their data end is a matter of judgement, and two judgements must not differ.
"""

from __future__ import annotations

import re

import pikepdf

_REGULAR = rb"[^\x00\t\n\x0c\r ()<>\[\]{}/%]"
# Comments, strings and names are matched so as to be passed over: a q inside them is no operator. Each alternative begins with a literal, and
# looks back only after it, so that the scanner can leap from one such character to the next.
_TOKENS = re.compile(
    rb"%[^\r\n]*"
    rb"|/" + _REGULAR + rb"*"
    rb"|\([^()]*+(?<!\\)\)"  # a string that ends at its first parenthesis, which no backslash can mean: nearly all of them
    rb"|\((?:[^()\\]++|\\.)*+\)"
    rb"|\("
    rb"|q(?<!" + _REGULAR + rb"q)(?!" + _REGULAR + rb")"
    rb"|Q(?<!" + _REGULAR + rb"Q)(?!" + _REGULAR + rb")"
    rb"|BI(?<!" + _REGULAR + rb"BI)(?!" + _REGULAR + rb")",
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
    while True:
        for token in _TOKENS.finditer(content, position):
            match token[0]:
                case b"q":
                    depth += 1
                case b"Q":
                    depth -= 1
                    if depth < 0:
                        return False
                case b"BI":
                    raise InlineImageFound("The content holds an inline image. Ask a full parser.")
                case b"(":
                    # A string with parentheses inside: the scan goes on behind its end.
                    position = _end_of_string(content, token.end())
                    break
        else:
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
