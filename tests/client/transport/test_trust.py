import hashlib
import ssl
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

import configsvc_client
from configsvc.model.errors import Misconfigured, Unavailable
from configsvc_client._transport import trust as trust_module
from configsvc_client._transport.http import Connection
from configsvc_client._transport.trust import Trust
from configsvc_client._transport.url import parse_url
from tests.support.client.certificates import make_server_context, name_in_folder
from tests.support.client.stub_servers import answer_with, run_scripted

ROOTS = Path(configsvc_client.__file__).parent / "_transport" / "amazon_roots"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
PUBLISHED = {
    "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
    "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
    "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
    "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
    "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
}


def ask(port: int, environ: Mapping[str, str], times: int = 1) -> int:
    connection = Connection(parse_url(f"https://localhost:{port}"), environ)
    try:
        return sum(connection.request("GET", "/", {}, b"", time.monotonic() + 20).status for _ in range(times))
    finally:
        connection.close()


def test_packaged_roots_are_the_five_that_amazon_publishes() -> None:
    found = [each.read_text() for each in ROOTS.iterdir()]
    bare = [text[text.index("-----BEGIN") :] for text in found]
    assert sorted(hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() for pem in bare) == sorted(PUBLISHED)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # Starfield's is 0
def test_each_root_has_the_name_that_openssl_looks_for() -> None:
    assert {each.name for each in ROOTS.iterdir()} == {name_in_folder(each.read_bytes()) for each in ROOTS.iterdir()}
    assert {each.name for each in ROOTS.iterdir()} == set(trust_module.ROOTS)


def test_a_handshake_reads_the_root_that_it_needs_and_no_other(tmp_path: Path) -> None:
    tls, folder = make_server_context(tmp_path), tmp_path / "roots"
    folder.mkdir()
    for root in ROOTS.iterdir():
        (folder / root.name).write_bytes(root.read_bytes())
    ca = (tmp_path / "ca.pem").read_bytes()
    (folder / name_in_folder(ca)).write_bytes(ca)
    trust = Trust({"SSL_CERT_DIR": str(folder)})
    store = trust.load_store(0)
    assert store is not None
    with run_scripted(answer_with(OK), tls=tls) as server:
        connection = Connection(parse_url(f"https://localhost:{server.port}"), {}, trust=trust)
        assert connection.request("GET", "/", {}, b"", time.monotonic() + 20).status == 200
        connection.close()
    assert store.cert_store_stats()["x509"] == 1


def test_amazons_roots_are_tried_without_loading_the_default_store() -> None:
    trust = Trust({})
    first = trust.load_store(0)
    assert first is not None
    assert first.cert_store_stats()["x509"] == 0  # a handshake reads the one that it needs
    assert (trust.load_store(0), trust.load_store(2)) == (first, None)


def test_ssl_cert_file_is_the_only_trust_store(tmp_path: Path) -> None:
    with run_scripted(answer_with(OK), tls=make_server_context(tmp_path)) as server:
        assert ask(server.port, {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}, times=2) == 400
        assert server.connections == 1
    assert Trust({"SSL_CERT_FILE": str(tmp_path / "ca.pem")}).load_store(1) is None


def test_default_store_is_used_if_amazons_roots_do_not_verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with run_scripted(answer_with(OK), tls=make_server_context(tmp_path)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))  # OpenSSL's own default store
        assert ask(server.port, {}, times=2) == 400
        assert server.connections == 2


def test_untrusted_certificate_is_refused(tmp_path: Path) -> None:
    with (
        run_scripted(answer_with(OK), tls=make_server_context(tmp_path)) as server,
        pytest.raises(Unavailable, match="SSL_CERT_FILE"),
    ):
        ask(server.port, {})


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    environ = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    tls = make_server_context(tmp_path, "elsewhere.example")
    with run_scripted(answer_with(OK), tls=tls) as server, pytest.raises(Unavailable, match="cannot be verified"):
        ask(server.port, environ)


def test_server_without_tls_is_unavailable() -> None:
    with run_scripted(lambda connection: connection.sendall(OK)) as server, pytest.raises(Unavailable):
        ask(server.port, {})


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unloadable_ca_file_is_reported_each_time(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "my-ca.pem"
    if content:
        file.write_text(content)
    with run_scripted(answer_with(OK)) as server:
        connection = Connection(parse_url(f"https://localhost:{server.port}"), {"SSL_CERT_FILE": str(file)})
        connection.open_ahead(time.monotonic() + 20)
        for _ in range(2):
            with pytest.raises(Misconfigured, match=r"my-ca\.pem"):
                connection.request("GET", "/", {}, b"", time.monotonic() + 20)
