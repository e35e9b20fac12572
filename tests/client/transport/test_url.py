import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client._transport.url import parse_url, quote


@pytest.mark.parametrize(
    ("text", "authority", "path"),
    [
        (
            "https://abc.execute-api.eu-central-1.amazonaws.com/prod",
            "abc.execute-api.eu-central-1.amazonaws.com",
            "/prod",
        ),
        ("https://Host:443/", "host", ""),
        ("https://host:8443/a/b/", "host:8443", "/a/b"),
        ("http://localhost:80", "localhost", ""),
        ("http://127.0.0.1:4566/restapis/x", "127.0.0.1:4566", "/restapis/x"),
        ("http://[::1]:4566", "[::1]:4566", ""),
        ("https://host.example./a", "host.example", "/a"),
        ("https://Host.:8443", "host:8443", ""),
    ],
)
def test_url_is_parsed(text: str, authority: str, path: str) -> None:
    url = parse_url(text)
    assert (url.authority, url.path) == (authority, path)


@pytest.mark.parametrize(
    "text",
    [
        "http://example.com", "http://127.0.0.1.example.com", "http://localhost.example.com", "http://10.0.0.1",
        "ftp://host", "https://", "https://user:pw@host", "https://host?x=1", "https://host#f", "https://host:0",
        "https://host:99999", "https://host/a b", "host", "", "https://host\n", "https://hôst",
        "http://127.0.0.999", "http://127.0.0.256", "http://127.0.0.01", "http://127.1", "http://127.0.1", "http://127",
        "http://0x7f.0.0.1", "http://0x7f.1", "http://0x7f000001", "http://2130706433", "http://0177.0.0.1", "http://0",
        "http://0.0.0.0", "http://127.0.0.1.", "http://localhost.", "http://127.0.0.1.evil.com", "http://localhost.evil",
        "http://[::ffff:127.0.0.1]", "http://[::1%25eth0]", "http://[0:0:0:0:0:0:0:1]", "http://[::]", "http://[::2]",
        "http://localhost@evil.com", "http://localhost:80@evil.com", "http://localhost:pw@evil.com/", "http://@localhost",
        "http://localhost\\@evil.com", "http://localhost\t.evil.com", "http://\u0661" + "27.0.0.1", "http:/localhost",
        "http://127。0。0。1", "https://.", "https://..", "https://.host", "https://host..", "https://a..b", "https://.:443",
    ],
)  # fmt: skip
def test_other_urls_are_refused_and_the_setting_is_named(text: str) -> None:
    with pytest.raises(Misconfigured, match="CONFIGSVC_URL"):
        parse_url(text, "CONFIGSVC_URL")


def test_trailing_dot_of_a_host_is_only_for_the_resolver() -> None:
    url = parse_url("https://host.example.:8443/a")
    assert (url.host, url.name, url.origin) == ("host.example.", "host.example", "https://host.example:8443")


def test_quote_encodes_every_byte_that_is_not_unreserved() -> None:
    assert quote("arn:aws/Az09-._~ ü") == "arn%3Aaws%2FAz09-._~%20%C3%BC"
