"""Exit URLs: what a signer's browser may be sent to, and how the status query token gets into it (wire-spec.md 10, reliability.md B-55)."""

from __future__ import annotations

import pytest

from segl.values import ValueRefused
from segl.wire.addresses import ExitUrl, check_handed_out, read_exit_url
from segl.wire.errors import ErrorCode, RequestRefused

TOKEN = "Zk3-_aB0123456789ABCDEFGHIJKLMNOPQRSTUVWXY_"
QUERY = f"status_query_token={TOKEN}"

ACCEPTED = [
    ("https://sender.example", f"https://sender.example?{QUERY}"),
    ("https://sender.example/", f"https://sender.example/?{QUERY}"),
    ("https://sender.example/done", f"https://sender.example/done?{QUERY}"),
    ("https://sender.example/done?", f"https://sender.example/done?{QUERY}"),
    ("https://sender.example/done?case=7", f"https://sender.example/done?case=7&{QUERY}"),
    ("https://sender.example/done?case=7&", f"https://sender.example/done?case=7&{QUERY}"),
    ("https://sender.example/done?a=1&b=2", f"https://sender.example/done?a=1&b=2&{QUERY}"),
    ("https://sender.example/done?flag", f"https://sender.example/done?flag&{QUERY}"),
    ("https://sender.example/done#top", f"https://sender.example/done?{QUERY}#top"),
    ("https://sender.example/done?a=1#/route/2?x=y", f"https://sender.example/done?a=1&{QUERY}#/route/2?x=y"),
    ("https://sender.example#", f"https://sender.example?{QUERY}#"),
    ("https://sender.example/#a#b", f"https://sender.example/?{QUERY}#a#b"),
    ("https://sender.example/done?next=https://other.example/?q=1", f"https://sender.example/done?next=https://other.example/?q=1&{QUERY}"),
    ("https://sender.example/done?mail=a@b.example", f"https://sender.example/done?mail=a@b.example&{QUERY}"),
    ("https://sender.example/%C3%B8?x=%0D%0A", f"https://sender.example/%C3%B8?x=%0D%0A&{QUERY}"),
    ("https://sender.example/ferdig?navn=Åse+Ø", f"https://sender.example/ferdig?navn=%C3%85se+%C3%98&{QUERY}"),
    ("HTTPS://Sender.Example/Done", f"https://sender.example/Done?{QUERY}"),
    ("https://sender.example:8443/done", f"https://sender.example:8443/done?{QUERY}"),
    ("https://sender.example:443", f"https://sender.example:443?{QUERY}"),
    ("https://my_host.intern/done", f"https://my_host.intern/done?{QUERY}"),
    ("https://192.0.2.7/done", f"https://192.0.2.7/done?{QUERY}"),
    ("https://[2001:db8::7]:8443/done", f"https://[2001:db8::7]:8443/done?{QUERY}"),
    ("https://blåbær.example/done", f"https://xn--blbr-roah.example/done?{QUERY}"),
    ("https://xn--blbr-roah.example/done", f"https://xn--blbr-roah.example/done?{QUERY}"),
    ("https://localhost:8001/done", f"https://localhost:8001/done?{QUERY}"),
    ("https://sender.example/" + "x" * 477, "https://sender.example/" + "x" * 477 + f"?{QUERY}"),
    ("https://sender.example/done/../a;b=c,(d)'!$*~", f"https://sender.example/done/../a;b=c,(d)'!$*~?{QUERY}"),
]

SANDBOX_ONLY = [
    ("http://localhost/done", f"http://localhost/done?{QUERY}"),
    ("http://localhost:8001/done?a=1", f"http://localhost:8001/done?a=1&{QUERY}"),
    ("http://127.0.0.1:8001/done#x", f"http://127.0.0.1:8001/done?{QUERY}#x"),
    ("HTTP://LOCALHOST/done", f"http://localhost/done?{QUERY}"),
]

NOT_HTTPS = "does not begin with https://. Use https."
NO_SCHEME = "is not absolute. Begin it with https://."
NO_HOST = "names no host. Write it after https://."
USER = "holds a user name. Remove what stands before @."
CHARACTER = "holds a space, a line break or another character that no address may hold. Percent-encode it."
ESCAPE = "holds a % that begins no escape. Write a percent sign as %25."
PORT = "names a port that is not a number from 1 to 65535. Mend it or leave it out."
HOST = "names a host that is not a host name. Mend what stands after https://."
NUMBER = "names a host that browsers read as a number. Write an IPv4 address as four decimal numbers."
LETTERS = "names a host in letters other than Latin ones. Use a name of Latin letters."
IPV6 = "names a host that is not an IPv6 address. Mend what stands between the brackets."
WAYS = "names a host that browsers write in different ways. Write its xn-- form."

REFUSED = [
    ("", NO_SCHEME),
    ("sender.example/done", NO_SCHEME),
    ("/done", NO_SCHEME),
    ("//sender.example/done", NO_SCHEME),
    ("javascript:alert(1)", NOT_HTTPS),
    ("JaVaScRiPt:alert(1)//https://sender.example", NOT_HTTPS),
    ("data:text/html,hello", NOT_HTTPS),
    ("ftp://sender.example/", NOT_HTTPS),
    ("myapp://done", NOT_HTTPS),
    ("http://sender.example/done", NOT_HTTPS),
    ("http://localhost.sender.example/", NOT_HTTPS),
    ("http://127.0.0.2/", NOT_HTTPS),
    ("http://[::1]/", NOT_HTTPS),
    ("https:", NO_HOST),
    ("https:/sender.example", NO_HOST),
    ("https:///done", NO_HOST),
    ("https://?a=1", NO_HOST),
    ("https://user@sender.example/", USER),
    ("https://user:word@sender.example/", USER),
    ("https://sender.example@evil.example/", USER),
    ("https://@sender.example/", USER),
    ("http://localhost:1@evil.example/", USER),
    (" https://sender.example/", CHARACTER),
    ("https://sender.example/done\n", CHARACTER),
    ("https://sender.example/\r\nSet-Cookie: a=b", CHARACTER),
    ("https://sender.example/a\tb", CHARACTER),
    ("https://sender.example/a b", CHARACTER),
    ("https://sender.example\\@evil.example/", CHARACTER),
    ("https:\\\\sender.example/", CHARACTER),
    ('https://sender.example/"onload="', CHARACTER),
    ("https://sender.example/<script>", CHARACTER),
    ("https://sender.example/\u2028", CHARACTER),
    ("https://sender.example/\u200b", CHARACTER),
    ("https://sender.example/\u202egnp", CHARACTER),
    ("https://sender.example/\x7f", CHARACTER),
    ("https://sender.example/100%", ESCAPE),
    ("https://sender.example/%zz", ESCAPE),
    ("https://sender.example:/", PORT),
    ("https://sender.example:0/", PORT),
    ("https://sender.example:65536/", PORT),
    ("https://sender.example:80:80/", PORT),
    ("https://sender.example:٤٤٣/", PORT),
    ("https://sender..example/", HOST),
    ("https://.example/", HOST),
    ("https://sender.example./", HOST),
    ("https://-sender.example/", HOST),
    ("https://sender,example/", HOST),
    ("https://%73ender.example/", HOST),
    ("https://2130706433/", NUMBER),
    ("https://0x7f.1/", NUMBER),
    ("https://256.1.1.1/", NUMBER),
    ("https://1.2.3/", NUMBER),
    ("https://[::1/", IPV6),
    ("https://[v1.a]/", IPV6),
    ("https://[fe80::1%25eth0]/", IPV6),
    ("https://[::1]x/", IPV6),
    ("https://bаnk.example/", LETTERS),  # a Cyrillic letter among Latin ones
    ("https://xn--bnk-7cd.example/", LETTERS),  # the same, as xn--
    ("https://αβγ.example/", LETTERS),
    ("https://ｓender.example/", WAYS),
    ("https://straße.example/", WAYS),
    ("https://sender。example/", WAYS),
    ("https://xn--.example/", "names a host that cannot be written in ASCII. Write its xn-- form."),
    ("https://" + "ø" * 60 + ".example/", "names a host that cannot be written in ASCII. Write its xn-- form."),
    ("https://" + "a." * 130 + "example/", "names a host that is too long. Shorten it."),
    ("https://sender.example/" + "x" * 478, "is longer than 500 characters. Shorten it."),
]


class TestAnExitUrl:
    @pytest.mark.parametrize(("address", "with_token"), ACCEPTED)
    def test_is_kept_as_written_and_takes_the_token_before_its_fragment(self, address: str, with_token: str) -> None:
        url = read_exit_url(address, is_sandbox=False, what="completion-url")

        assert str(url) == address
        assert url.with_status_query_token(TOKEN) == with_token
        assert with_token.isascii()

    @pytest.mark.parametrize(("address", "with_token"), SANDBOX_ONLY)
    def test_may_be_plain_http_to_this_machine_in_the_sandbox_only(self, address: str, with_token: str) -> None:
        assert read_exit_url(address, is_sandbox=True, what="error-url").with_status_query_token(TOKEN) == with_token

        with pytest.raises(RequestRefused) as refused:
            read_exit_url(address, is_sandbox=False, what="error-url")
        assert refused.value.message == "The element error-url is refused. The exit URL does not begin with https://. Use https."

    @pytest.mark.parametrize("is_sandbox", [True, False])
    @pytest.mark.parametrize(("address", "why"), REFUSED)
    def test_is_refused_without_being_repeated(self, address: str, why: str, is_sandbox: bool) -> None:
        with pytest.raises(RequestRefused) as refused:
            read_exit_url(address, is_sandbox=is_sandbox, what="rejection-url")

        assert refused.value.code is ErrorCode.INVALID_EXIT_URL
        assert refused.value.message == f"The element rejection-url is refused. The exit URL {why}"

    def test_hides_itself_in_repr(self) -> None:
        assert repr(ExitUrl("https://sender.example/?case=secret")) == "ExitUrl(…)"

    @pytest.mark.requirement("R51")
    @pytest.mark.parametrize("token", ["", "a+b", "a/b", "a=", "a b", "a%20", "å", "a\n"])
    def test_takes_no_token_that_the_clients_would_send_in_different_ways(self, token: str) -> None:
        with pytest.raises(ValueRefused, match=r"^A status query token has only letters, digits, _ and -\. Draw another\.$"):
            ExitUrl("https://sender.example").with_status_query_token(token)


class TestAnAddressToHandOut:
    @pytest.mark.requirement("R22")
    @pytest.mark.parametrize(
        "address",
        [
            "/api/1/direct",
            "localhost:8443/api",
            "https://",
            " https://segl.example/a",
            "https://segl.example/a\n",
            "https://segl.example/a b",
            "https://segl.example/a?b=c",
            "https://segl.example/å",
            "https://segl.example/" + "a" * 480,
        ],
    )
    def test_is_refused_unless_absolute_short_bare_and_without_query(self, address: str) -> None:
        with pytest.raises(ValueRefused, match=r"^An address to hand out is not absolute, has a query or is too long\. Check SEGL_API_URL"):
            check_handed_out(address)

    @pytest.mark.requirement("R22")
    @pytest.mark.parametrize(
        "address",
        [
            "https://localhost:8443/api/123456789/direct/signature-jobs/1/status",
            "http://localhost:8000/redirect/x-_",
            "https://segl.example/" + "a" * 479,
        ],
    )
    def test_is_returned_unchanged(self, address: str) -> None:
        assert check_handed_out(address) == address
