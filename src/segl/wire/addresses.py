"""
Addresses on the wire: the exit URLs that senders give, and the rule for those that Segl hands out.

A signer's browser is sent to an exit URL and nothing else is done with it: Segl never fetches one (reliability.md B-55, wire-spec.md 10).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote

from segl.values import ValueRefused
from segl.wire.errors import ErrorCode, RequestRefused

MAX_ADDRESS_CHARACTERS: Final = 500
"""wire-spec.md 17."""
TOKEN_PARAMETER: Final = "status_query_token"  # noqa: S105 - the parameter's name

_HOSTS_OF_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1"})
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY: Final = re.compile(r"//([^/?#]*)")
_PORT: Final = re.compile(r"0*[1-9][0-9]{0,4}")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# Browsers read such a last label as a number, and the whole host as an IPv4 address (WHATWG URL, host parsing).
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAX_HOST_CHARACTERS: Final = 253
_SAFE_AFTER_HOST: Final = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class ExitUrl:
    """
    An absolute address that a signer's browser may be sent to: https, or http to this machine (localhost, 127.0.0.1).

    Kept as the sender wrote it, query and fragment included. It may hold what a sender knows of a person: never shown in `repr`.

    :raises ValueRefused: if the address breaks the rule; the message does not repeat the address.
    """

    value: str

    def __post_init__(self) -> None:
        _, host, _, _ = _taken_apart(self.value)
        if self.is_plain_http and host not in _HOSTS_OF_THIS_MACHINE:
            raise _refused("does not begin with https://. Use https")

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return "ExitUrl(…)"

    @property
    def is_plain_http(self) -> bool:
        """Return whether the address is http: allowed in the sandbox only."""
        return self.value[:5].lower() == "http:"

    def with_status_query_token(self, token: str) -> str:
        """
        Return the address, in ASCII, with the token as its last query parameter and the fragment after it.

        :raises ValueRefused: if the token holds other characters than A–Z, a–z, 0–9, _ and -: .NET would send them on unescaped.
        """
        if not _TOKEN.fullmatch(token):
            raise ValueRefused("A status query token has only letters, digits, _ and -. Draw another.")
        scheme, host, port, rest = _taken_apart(self.value)
        before, hash_sign, fragment = _in_ascii(rest).partition("#")
        separator = "?" if "?" not in before else "" if before.endswith(("?", "&")) else "&"
        return f"{scheme}://{host}{port}{before}{separator}{TOKEN_PARAMETER}={token}{hash_sign}{fragment}"


def read_exit_url(address: str, *, is_sandbox: bool, what: str) -> ExitUrl:
    """
    Return the exit URL that a sender gave; `what` is its element's name, for the message.

    :raises RequestRefused: INVALID_EXIT_URL, if a signer may not be sent there; http is for the sandbox.
    """
    try:
        url = ExitUrl(address)
        if url.is_plain_http and not is_sandbox:
            raise _refused("does not begin with https://. Use https")
    except ValueRefused as error:
        raise RequestRefused(ErrorCode.INVALID_EXIT_URL, f"The element {what} is refused. {error}") from error
    return url


def check_handed_out(address: str) -> str:
    """
    Return `address` unchanged if Segl may hand it out: absolute, at most 500 characters, without whitespace, query or line breaks.

    The clients follow these word for word and put a query after some of them (wire-spec.md 2). A redirect URL carries a token, so the
    message never repeats the address.

    :raises ValueRefused: if not; the caller's configuration or code is wrong then.
    """
    if len(address) > MAX_ADDRESS_CHARACTERS or "?" in address or not re.fullmatch(r"https?://[!-~]+", address):
        raise ValueRefused("An address to hand out is not absolute, has a query or is too long. Check SEGL_API_URL and SEGL_WEB_URL.")
    return address


def _taken_apart(address: str) -> tuple[str, str, str, str]:
    """Return scheme, host in ASCII, port with its colon (or empty), and all that follows the authority as written."""
    if len(address) > MAX_ADDRESS_CHARACTERS:
        raise _refused(f"is longer than {MAX_ADDRESS_CHARACTERS} characters. Shorten it")
    _check_characters(address)
    scheme = _SCHEME.match(address)
    if scheme is None:
        raise _refused("is not absolute. Begin it with https://")
    if scheme[1].lower() not in ("https", "http"):
        raise _refused("does not begin with https://. Use https")
    authority = _AUTHORITY.match(address, scheme.end())
    if authority is None or not authority[1]:
        raise _refused("names no host. Write it after https://")
    if "@" in authority[1]:
        raise _refused("holds a user name. Remove what stands before @")
    host, port = _host_and_port(authority[1])
    return scheme[1].lower(), host, port, address[authority.end() :]


def _check_characters(address: str) -> None:
    # Browsers drop tabs and line breaks, turn \ into /, and stop at quotes in places; none of them may be in an address (RFC 3986).
    if any(character in ' "<>\\^`{|}' or unicodedata.category(character)[0] in "CZ" for character in address):
        raise _refused("holds a space, a line break or another character that no address may hold. Percent-encode it")
    if _BROKEN_ESCAPE.search(address):
        raise _refused("holds a % that begins no escape. Write a percent sign as %25")


def _host_and_port(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        literal, bracket, after = authority[1:].partition("]")
        try:
            host = f"[{IPv6Address(literal).compressed}]" if bracket and "%" not in literal else ""
        except AddressValueError:
            host = ""
        if not host or (after and not after.startswith(":")):
            raise _refused("names a host that is not an IPv6 address. Mend what stands between the brackets")
        port = after[1:] if after else None
    else:
        name, colon, number = authority.partition(":")
        host, port = _host_name(name), number if colon else None
    if port is not None and (not _PORT.fullmatch(port) or int(port) > 65535):
        raise _refused("names a port that is not a number from 1 to 65535. Mend it or leave it out")
    return host, "" if port is None else f":{int(port)}"


def _host_name(name: str) -> str:
    labels = [_label(label) for label in name.lower().split(".")]
    host = ".".join(labels)
    if len(host) > _MAX_HOST_CHARACTERS:
        raise _refused("names a host that is too long. Shorten it")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except AddressValueError as error:
            raise _refused("names a host that browsers read as a number. Write an IPv4 address as four decimal numbers") from error
    return host


def _label(label: str) -> str:
    """Return one label of a host name in ASCII; one of other letters must be Latin throughout, so that it looks like nothing else."""
    try:
        ascii_label = label if label.isascii() else label.encode("idna").decode("ascii")
        shown = ascii_label.encode("ascii").decode("idna") if ascii_label.startswith("xn--") else ascii_label
    except UnicodeError as error:
        raise _refused("names a host that cannot be written in ASCII. Write its xn-- form") from error
    if not label.isascii() and shown != label:
        raise _refused("names a host that browsers write in different ways. Write its xn-- form")
    if any(character.isalpha() and not unicodedata.name(character, "").startswith("LATIN ") for character in shown) or (
        not shown.isascii() and any(not (character.isalnum() or character == "-") for character in shown)
    ):
        raise _refused("names a host in letters other than Latin ones. Use a name of Latin letters")
    if not _LABEL.fullmatch(ascii_label):
        raise _refused("names a host that is not a host name. Mend what stands after https://")
    return ascii_label


def _in_ascii(rest: str) -> str:
    # RFC 3987 section 3.1: what is not ASCII goes as percent-encoded UTF-8; what is encoded already stays.
    return quote(rest, safe=_SAFE_AFTER_HOST)


def _refused(why: str) -> ValueRefused:
    return ValueRefused(f"The exit URL {why}.")
