import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from configsvc.model.errors import Misconfigured, Unavailable
from configsvc_client._aws.credentials import CredentialSources, CredentialsProvider
from configsvc_client._aws.sigv4 import Credentials
from configsvc_client.admin.compose import make_own_credentials
from tests.support.client.error_texts import collect_texts
from tests.support.client.stub_servers import Answer, Scripted, Stub, run_scripted, run_stub, take_request

GIVEN = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>canary</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
REFUSED = "<ErrorResponse><Error><Code>{}</Code><Message>no</Message></Error></ErrorResponse>"


def soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


def test_credential_variables_come_first_with_their_current_values() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t\n"}
    find = CredentialSources(environ).find
    assert find(soon()) == Credentials("AKID", "s", "t")
    del environ["AWS_SESSION_TOKEN"]
    assert find(soon()).token is None


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("text", ["canary\nx", "canary x", "canaryé", "canary\0"])
def test_invalid_credential_variable_is_named_and_not_shown(name: str, text: str) -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t", name: text}
    for find in (CredentialSources(environ).find, make_own_credentials(environ).find):
        with pytest.raises(Misconfigured, match=name) as caught:
            find(soon())
        assert "canary" not in collect_texts(caught.value)


def test_the_secret_parts_are_not_shown() -> None:
    assert "canary" not in repr(Credentials("AKID", "canary", "canary"))


def test_botocore_credentials_are_used_without_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    assert CredentialSources({}).find(soon()) == Credentials("AKID", "s", None)
    file.write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = canary\u00e9\n", encoding="utf-8")
    with pytest.raises(Misconfigured) as caught:
        CredentialSources({}).find(soon())
    assert "canary" not in collect_texts(caught.value)


def test_error_without_credentials_says_where_they_were_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Misconfigured, match="AWS_ACCESS_KEY_ID"):
        CredentialSources({}).find(soon())


UseStsAt = Callable[[int], None]


@pytest.fixture
def use_sts_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UseStsAt:
    """Configures a profile `team` that assumes a role; call it with the port of an STS stub."""
    role = "role_arn = arn:aws:iam::111122223333:role/x"
    (tmp_path / "config").write_text(f"[profile team]\n{role}\nsource_profile = me\n")
    (tmp_path / "credentials").write_text("[me]\naws_access_key_id = AKID\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    return lambda port: monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{port}")


TEAM = {"AWS_PROFILE": "team"}


def port(server: Stub) -> int:
    return int(server.url.rpartition(":")[2])


def test_role_is_assumed_once_and_again_after_a_refusal(use_sts_at: UseStsAt) -> None:
    sources = CredentialSources(TEAM)
    provider = CredentialsProvider(sources.find, time.time, sources.forget)
    with run_stub(lambda *_: (200, {}, GIVEN.encode())) as sts:
        use_sts_at(port(sts))
        assert {provider(soon()) for _ in range(100)} == {Credentials("ASIA", "canary", "t")}
        assert len(sts.requests) == 1
        provider.forget()
        provider(soon())
        assert len(sts.requests) == 2


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ((403, {}, REFUSED.format("AccessDenied").encode()), Misconfigured, "AccessDenied.*role's administrator"),
        ((400, {}, REFUSED.format("ExpiredToken").encode()), Misconfigured, "ExpiredToken.*aws sso login"),
        ((400, {}, REFUSED.format("Throttling").encode()), Unavailable, "Throttling"),
        ((503, {}, REFUSED.format("ServiceUnavailable").encode()), Unavailable, "ServiceUnavailable"),
        ((200, {}, b"canary"), Misconfigured, "could not be loaded"),
    ],
)
def test_role_that_cannot_be_assumed_is_reported_after_one_request(
    use_sts_at: UseStsAt, answer: Answer, error: type[Exception], says: str
) -> None:
    with run_stub(lambda *_: answer) as sts:
        use_sts_at(port(sts))
        for tried, find in enumerate((CredentialSources(TEAM).find, make_own_credentials(TEAM).find), start=1):
            with pytest.raises(error, match=says) as caught:
                find(soon())
            assert len(sts.requests) == tried
            assert "canary" not in collect_texts(caught.value)


def test_unreachable_sts_is_unavailable_and_not_misconfigured(use_sts_at: UseStsAt) -> None:
    with run_stub(lambda *_: (200, {}, b"")) as sts:
        closed = port(sts)
    use_sts_at(closed)
    for find in (CredentialSources(TEAM).find, make_own_credentials(TEAM).find):
        with pytest.raises(Unavailable, match="EndpointConnectionError"):
            find(soon())


PRINTS = (
    "import sys; sys.exit('canary')",
    "print('canary')",
    """print('{"Version": "canary"}')""",
    """print('{"Version": 1, "AccessKeyId": "canary"}')""",
)


@pytest.mark.parametrize("program", PRINTS)
def test_output_of_a_credential_process_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    (tmp_path / "program.py").write_text(program)
    (tmp_path / "config").write_text(f"[profile team]\ncredential_process = {sys.executable} {tmp_path}/program.py\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for find in (CredentialSources(TEAM).find, make_own_credentials(TEAM).find):
        with pytest.raises(
            Misconfigured, match=r"JSONDecodeError|CredentialRetrievalError of custom-process"
        ) as caught:
            find(soon())
        assert "canary" not in collect_texts(caught.value)


def test_silent_sts_is_called_once_until_the_deadline(use_sts_at: UseStsAt) -> None:
    held: list[Scripted] = []

    def stay_silent(connection: object) -> None:
        take_request(connection)  # type: ignore[arg-type]  # a socket
        held[0].ended.wait(30)

    with run_scripted(stay_silent) as sts:
        held.append(sts)
        use_sts_at(sts.port)
        with pytest.raises(Unavailable, match="ReadTimeoutError"):
            CredentialSources(TEAM).find(soon(0.2))
        sts.ended.set()
    assert sts.connections == 1
