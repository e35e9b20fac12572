"""Write .configsvc.toml and check your setup.

The file is written here, to be committed. The checks are those of `configsvc doctor`. What is not given is taken
from the variables and files that count now, or asked for on a terminal; nothing is taken from a project file that
you have not trusted. What init writes is trusted. No secret goes into the file.

The API key is in CONFIGSVC_API_KEY, or in the system's keyring, where init puts it on a terminal (pip install
'configsvc[keyring]'), or a command prints it: api_key_command = ["pass", "show", "configsvc"], with the url of the
service beside it, in your own ~/.config/configsvc/config.toml. While a key is rotated, give both, comma separated.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc_client._spelling import split
from configsvc_client.cli import _confirm, _files, _options, _settings, _terminal
from configsvc_client.cli._canonical import canonical
from configsvc_client.cli._settings_file import PROJECT_FILE

Members = dict[str, Any]


@click.command(help=__doc__)
@click.option("--url", help="Of the service, stage included, without /v1.")
@click.option("-n", "--namespace", "namespaces", multiple=True, metavar="NAMESPACE", help="Repeatable.")
@click.option("--kms-key", "kms_keys", multiple=True, metavar="ARN", help="KMS key to trust. Repeatable.")
@click.option("--region", help="AWS region; where left out, the one in the service's host name.")
@click.option("--aws-profile", metavar="NAME", help="AWS profile to sign with.")
def command(
    url: str | None, namespaces: tuple[str, ...], kms_keys: tuple[str, ...], region: str | None, aws_profile: str | None
) -> int:
    from configsvc_client._pin import ANY
    from configsvc_client.admin import service_url
    from configsvc_client.cli.commands.doctor import report

    path = Path(PROJECT_FILE)
    kept = _kept(path)
    now = _settings.of_trusted()
    url = url or _asked("URL of the service, stage included", now.get("CONFIGSVC_URL"), "--url")
    service_url(url, "--url")
    wanted = list(namespaces) or split(_asked("Namespaces", now.get("CONFIGSVC_NAMESPACES"), "-n NAMESPACE"))
    known = _options.of_setting if wanted == split(now.get("CONFIGSVC_NAMESPACES")) else names.namespace
    members: Members = {"url": url, "namespaces": [known(each) for each in wanted]}
    keys = list(kms_keys) or [each for each in _settings.pins(now) if each != ANY]  # no pin to commit
    members |= {"kms_keys": keys} if keys else {}
    members |= {name: text for name, text in (("region", region), ("aws_profile", aws_profile)) if text}
    members |= kept
    _write(path, members)
    has_api_key = _store_api_key(url)
    if not keys:
        _offer_pin(path, members, wanted)
    if "policy" not in members:
        _offer_policy(path, members)
    _settings.forget()
    code = report(wanted)
    if not has_api_key:
        _terminal.say("Once there is an API key, run configsvc init again: it offers the KMS keys in use.")
    return code


def _asked(what: str, default: str, option: str) -> str:
    if not _terminal.can_ask():
        if default:
            return default
        raise click.UsageError(f"Say it with {option}: there is nobody to ask.")
    return _terminal.ask(what, default)


def _store_api_key(url: str) -> bool:
    """Whether there is an API key. Asks for one where none is found, and puts it into the keyring.

    The checks say what is wrong where that fails.
    """
    from configsvc_client.cli import _api_key

    _settings.forget()
    try:
        if _api_key.api_key(_settings.resolved())[0]:
            return True
        if not _terminal.can_ask(hidden=True) or not _api_key.has_keyring(url):
            return False
    except Misconfigured:
        return False
    given = _terminal.ask("API key, for the keyring (empty: none)", hidden=True, empty=True).strip()
    if not given:
        return False
    kept = _api_key.keep(url, given)
    if not kept:
        _terminal.say("The keyring did not keep the API key.")
    return kept


def _offer_pin(path: Path, members: Members, namespaces: Sequence[str]) -> None:
    """Shows the KMS keys in use. To trust them is a person's decision: whoever supplies the pin supplies the key."""
    from configsvc_client.cli.commands.env import in_use

    _settings.forget()
    try:
        found = in_use(_settings.admin(), [names.namespace(each) for each in namespaces])
    except ConfigsvcError:
        return  # the checks tell what is wrong
    if found and _terminal.can_ask():
        _terminal.say("KMS keys in use, according to the service. Compare them with those you know:")
        _terminal.say(*(f"  {each}" for each in found))
        if _terminal.agree("Trust them?"):
            members["kms_keys"] = found
            _write(path, members)


def _offer_policy(path: Path, members: Members) -> None:
    """Shows a policy drafted from what is served. What is no secret is a person's decision, too."""
    from configsvc_client.cli.commands.policy import drafted, text

    if not _terminal.can_ask():
        return
    _settings.forget()
    try:
        admin = _settings.admin()
        tables = {
            each: drafted(admin, each) for each in members["namespaces"] if admin.values.get_snapshot(each).entries
        }
    except ConfigsvcError:
        return  # the checks tell what is wrong
    if tables:
        _terminal.say(*text(tables).splitlines())
        if _terminal.agree("Add this policy?"):
            members["policy"] = tables
            _write(path, members)


def _kept(path: Path) -> Members:
    """What stays of a file that is replaced: profiles and the policy, where it is trusted."""
    if not os.path.lexists(path):
        return {}
    found = _files.project(path.absolute(), os.environ)
    if found.trusted:
        _confirm.confirm(f"{path} is there already. Replace its settings? Its profiles and policy stay.")
        return {name: found.members[name] for name in ("profiles", "policy") if name in found.members}
    _confirm.confirm(f"{path} is there already, and you have not trusted it. Replace all of it?")
    return {}


def _write(path: Path, members: Members) -> None:
    """Write the file, and trust it: everything in it comes from the person who runs this.

    A new file takes the place of what is there, so nothing is written through a link.
    """
    import tomli_w

    text = "# Settings of configsvc. No secret belongs here: commit it.\n" + tomli_w.dumps(members)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    with temporary.open("x", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
    _terminal.say(f"{path.resolve()}: written")
    try:
        _files.trust_store().keep(canonical(members), str(path.resolve()))
    except Misconfigured as error:
        _terminal.say(f"configsvc: {path} is not trusted yet. {error.detail}")
