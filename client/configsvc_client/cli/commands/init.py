"""Write .configsvc.toml and check your setup.

The file is written to this folder, for you to commit. The checks are those of `configsvc doctor`. Options you do not
pass come from the variables and settings files, or from prompts on a terminal. A project file that you have not trusted
is ignored. The file that init writes is trusted. No secret goes into it.

The API key comes from CONFIGSVC_API_KEY; or from the system's keyring, where init stores it on a terminal (pip install
'configsvc[keyring]'); or from a command: api_key_command = ["pass", "show", "configsvc"], next to the url of the
service, in your own ~/.config/configsvc/config.toml. During a rotation, provide both keys, separated by a comma.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc_client._setting_parsers import split_list
from configsvc_client.cli import options
from configsvc_client.cli.output import confirm, terminal
from configsvc_client.cli.settings import composition, files
from configsvc_client.cli.settings.settings_file import PROJECT_FILE
from configsvc_client.cli.settings.trust import canonicalize

SettingsMembers = dict[str, Any]


@click.command(help=__doc__)
@click.option("--url", help="URL of the service, with its stage, without /v1.")
@click.option(
    "-n",
    "--namespace",
    "namespaces",
    multiple=True,
    metavar="NAMESPACE",
    help="Namespace, like payments.prod. Repeatable.",
)
@click.option("--kms-key", "kms_keys", multiple=True, metavar="ARN", help="KMS key to trust. Repeatable.")
@click.option("--region", help="AWS region. Default: the one in the service's host name.")
@click.option("--aws-profile", metavar="NAME", help="AWS profile to sign with.")
def command(
    url: str | None, namespaces: tuple[str, ...], kms_keys: tuple[str, ...], region: str | None, aws_profile: str | None
) -> int:
    from configsvc_client._pin import ANY
    from configsvc_client.admin import parse_service_url
    from configsvc_client.cli.commands.doctor import report

    path = Path(PROJECT_FILE)
    kept = _keep_members(path)
    now = composition.resolve_trusted()
    url = url or _ask("URL of the service, stage included", now.get("CONFIGSVC_URL"), "--url")
    parse_service_url(url, "--url")
    wanted = list(namespaces) or split_list(_ask("Namespaces", now.get("CONFIGSVC_NAMESPACES"), "-n NAMESPACE"))
    known = options.parse_setting if wanted == split_list(now.get("CONFIGSVC_NAMESPACES")) else names.parse_namespace
    members: SettingsMembers = {"url": url, "namespaces": [known(each) for each in wanted]}
    keys = list(kms_keys) or [each for each in composition.get_pins(now) if each != ANY]  # no pin to commit
    members |= {"kms_keys": keys} if keys else {}
    members |= {name: text for name, text in (("region", region), ("aws_profile", aws_profile)) if text}
    members |= kept
    _write(path, members)
    has_api_key = _store_api_key(url)
    if not keys:
        _offer_pin(path, members, wanted)
    if "policy" not in members:
        _offer_policy(path, members)
    composition.forget()
    code = report(wanted)
    if not has_api_key:
        terminal.say("Once you have an API key, run configsvc init again: it offers the KMS keys in use.")
    return code


def _ask(what: str, default: str, option: str) -> str:
    if not terminal.can_ask():
        if default:
            return default
        raise click.UsageError(f"Pass {option}: cannot ask without a terminal.")
    return terminal.ask(what, default)


def _store_api_key(url: str) -> bool:
    """Returns whether there is an API key. Asks for one if none is found, and stores it in the keyring.

    If that fails, the checks say why.
    """
    from configsvc_client.cli.settings import api_key

    composition.forget()
    try:
        if api_key.find_api_key(composition.resolve())[0]:
            return True
        if not terminal.can_ask(hidden=True) or not api_key.has_keyring(url):
            return False
    except Misconfigured:
        return False
    given = terminal.ask("API key to store in the keyring (leave empty to skip)", hidden=True, empty=True).strip()
    if not given:
        return False
    kept = api_key.keep_api_key(url, given)
    if not kept:
        terminal.say("The keyring did not keep the API key.")
    return kept


def _offer_pin(path: Path, members: SettingsMembers, namespaces: Sequence[str]) -> None:
    """Offers the KMS keys in use. Only a person may decide to trust them: whoever chooses the pin chooses the key."""
    from configsvc_client.cli.commands.env import find_keys_in_use

    composition.forget()
    try:
        found = find_keys_in_use(composition.open_admin(), [names.parse_namespace(each) for each in namespaces])
    except ConfigsvcError:
        return  # the checks report what is wrong
    if found and terminal.can_ask():
        terminal.say("KMS keys in use, according to the service. Compare them with the keys you know:")
        terminal.say(*(f"  {each}" for each in found))
        if terminal.agree("Trust them?"):
            members["kms_keys"] = found
            _write(path, members)


def _offer_policy(path: Path, members: SettingsMembers) -> None:
    """Offers a policy drafted from the served values. Only a person may decide what is not a secret."""
    from configsvc_client.cli.commands.policy import draft_table, render_draft

    if not terminal.can_ask():
        return
    composition.forget()
    try:
        admin = composition.open_admin()
        tables = {
            each: draft_table(admin, each) for each in members["namespaces"] if admin.values.get_snapshot(each).entries
        }
    except ConfigsvcError:
        return  # the checks report what is wrong
    if tables:
        terminal.say(*render_draft(tables).splitlines())
        if terminal.agree("Add this policy?"):
            members["policy"] = tables
            _write(path, members)


def _keep_members(path: Path) -> SettingsMembers:
    """Returns the members to keep of a file that is replaced: profiles and the policy, if it is trusted."""
    if not os.path.lexists(path):
        return {}
    found = files.read_project(path.absolute(), os.environ)
    if found.trusted:
        confirm.confirm(f"{path} already exists. Replace its settings? Its profiles and policy are kept.")
        return {name: found.members[name] for name in ("profiles", "policy") if name in found.members}
    confirm.confirm(f"{path} already exists, and you have not trusted it. Replace all of it?")
    return {}


def _write(path: Path, members: SettingsMembers) -> None:
    """Writes the file and trusts it: everything in it comes from the person who runs this.

    A new file replaces the existing one, so nothing is written through a link.
    """
    import tomli_w

    text = "# Settings of configsvc, to be committed. No secrets here.\n" + tomli_w.dumps(members)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    with temporary.open("x", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
    terminal.say(f"{path.resolve()}: written")
    try:
        files.open_trust_store().keep(canonicalize(members), str(path.resolve()))
    except Misconfigured as error:
        terminal.say(f"configsvc: {path} is not trusted yet. {error.detail}")
