"""Seal a value and store it as the next version of a key.

It is sealed unless --plain or your policy says that KEY is not secret; only then may VALUE be on the command line. The
value comes from stdin (-), a file (@FILE) or, if left out, a prompt that does not show it. A value that is already
served is left unchanged. A value that is empty or only white space needs --allow-empty, because a command that fails
leaves an empty pipe.

A sealed value may have up to 196,000 bytes, one with --kms 4,096, a plain one 262,144. Keep larger ones in S3 and store
their addresses.
"""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from configsvc.model.content_types import BYTES, JSON, TEXT
from configsvc.model.errors import CannotOpen, ConfigsvcError, Forbidden, Misconfigured, NotFound, PreconditionFailed
from configsvc.model.same_value import same_value
from configsvc.model.snapshot import ContentType, Entry, Form
from configsvc_client.cli import options
from configsvc_client.cli.output import records
from configsvc_client.cli.settings import composition
from configsvc_client.cli.values import inputs, lost_answers, protection, replacing

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc_client.admin import Admin, Draft, Stored


LENGTH = 32
LEAST, MOST = 12, 4096

# Only letters and digits, which need no quoting in shells, URLs, YAML or connection strings; 32 of them are 190 bits.
_ALPHABET = string.ascii_letters + string.digits


def generate_secret(length: int = LENGTH) -> bytes:
    """Generates a secret of letters and digits from the operating system's randomness."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length)).encode()


def _parse_day(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    del context, option
    if given is None:
        return None
    try:
        return datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        raise click.BadParameter("not a valid date. Use a date like 2027-01-31.") from None


@click.command(help=__doc__)
@options.add_namespace_option
@click.argument("key")
@click.argument("source", required=False, nargs=-1, metavar="[- | @FILE | VALUE]", type=click.UNPROCESSED)
@click.option("--from-file", metavar="FILE", type=click.Path(dir_okay=False), help="Read the value from a file.")
@protection.add_flags
@click.option("--json", "as_json", is_flag=True, help="Store the value as JSON.")
@click.option("--binary", is_flag=True, help="Store the value as bytes, not text.")
@click.option("--exact", is_flag=True, help="Keep a newline at the end of stdin.")
@inputs.add_allow_empty
@click.option(
    "--generate", is_flag=False, flag_value=str(LENGTH), metavar="[LENGTH]", type=click.IntRange(LEAST, MOST),
    help=f"Generate a random secret of LENGTH letters and digits, without showing it. Default: {LENGTH}.",
)  # fmt: skip
@click.option("--if-match", type=click.IntRange(min=1), help="Only if the key was last changed at this revision.")
@click.option("--create-only", is_flag=True, help="Store only if nothing is served under the key.")
@click.option("--stage", is_flag=True, help="Store the version without serving it.")
@click.option("--declassify", is_flag=True, help="Let --plain replace a sealed version (requires the admin action).")
@click.option("--rotate-by", metavar="YYYY-MM-DD", callback=_parse_day, help="Date by which to replace the value.")
@options.add_message_option
def command(
    key: str, source: tuple[str, ...], from_file: str | None, namespace: str | None, message: str, **flags: object
) -> None:
    from configsvc.model import names
    from configsvc_client.admin import Draft, check_draft

    if len(source) > 1:
        raise click.UsageError("More than one value. Quote it, or pass it with stdin (-) or @FILE.")
    target, name = options.choose_target(namespace), names.parse_key(key)
    made = _get_number(flags["generate"])
    if made and (source or from_file or flags["plain"]):
        raise click.UsageError("--generate makes the secret itself: leave out the value and --plain.")
    asked = protection.get_form(*(bool(flags[each]) for each in ("seal", "plain", "kms")))
    admin = composition.open_admin()
    form = admin.values.resolve_form(target, name, asked)
    if made and form != "kms":  # a random secret is never plain, whatever the policy says
        form = "envelope"
    data = generate_secret(made) if made else _read_value(key, source[0] if source else None, from_file, flags, form)
    draft = check_draft(Draft(
        key=name, data=data, content_type=_choose_content_type(flags), form=form, activate=not flags["stage"],
        declassify=bool(flags["declassify"]), rotate_by=_get_text(flags["rotate_by"]),
        if_match=_get_number(flags["if_match"]), create_only=bool(flags["create_only"]),
    ))  # fmt: skip
    admin.values.check_size(target, draft)
    _put_value(admin, target, draft, message)


def _read_value(
    key: str, source: str | None, from_file: str | None, flags: dict[str, object], form: Form | None
) -> bytes:
    """Reads the value from its source.

    Raises:
        click.UsageError: there is no value.
        Misconfigured: it is empty, without --allow-empty.
    """
    exact = bool(flags["exact"] or flags["binary"])
    data = inputs.read_value(
        key, source, from_file, plain=form == "plain", exact=exact, advice=protection.describe_untrusted()
    )  # fmt: skip
    empty = not data if flags["binary"] else inputs.is_empty(source, data)
    if empty and not flags["allow_empty"]:
        raise inputs.refuse_empty(key, inputs.describe_origin(source, from_file, data), as_json=bool(flags["as_json"]))
    if not exact and not flags["as_json"]:
        inputs.warn_line_break(key, source, from_file, data)
    return data


def _put_value(admin: Admin, namespace: Namespace, draft: Draft, message: str) -> None:
    """Stores the draft unless it is already served. The service's answer never makes it plain."""
    served = _find_served(admin, namespace, draft)
    if served and draft.form in (None, served.form) and _is_same(admin, namespace, draft, served):
        revision = admin.values.find_keys(namespace, [draft.key])[draft.key].revision
        records.report_done(
            f"{namespace} {draft.key}: unchanged, version {served.version} is served",
            {
                "namespace": namespace, "key": draft.key, "version": served.version, "revision": revision,
                "active": served.version,
            },
        )  # fmt: skip
        return
    if served and served.form == "plain" and draft.form is None:
        draft = draft._replace(form=protection.decide_form(namespace, draft.key))
    protection.warn_form_changes([draft.key] if served and served.form == "kms" and draft.form is None else [])
    replacing.warn_type_change(draft.key, served.content_type if served else None, draft.content_type)
    stored = lost_answers.accept_repeated(
        admin,
        lambda: admin.values.put_draft(namespace, draft, message),
        lambda error: _find_stored(admin, namespace, draft, error),
    )
    state = "served" if stored.active == stored.version else "staged"
    records.report_done(
        f"{namespace} {stored.key}: version {stored.version}, {draft.form or 'envelope'}, {state}, "
        f"revision {stored.revision}",
        {"namespace": namespace, **stored._asdict()},
    )


def _find_stored(admin: Admin, namespace: Namespace, draft: Draft, error: PreconditionFailed) -> Stored | None:
    """Returns the stored version if the latest version of the key equals the draft: its response was lost."""
    match error.members:
        case {"latest": int(latest), "revision": int(revision), "active": active}:
            pass
        case _:
            return None
    from configsvc_client.admin import Stored

    try:
        info = lost_answers.find_key_at(admin, namespace, draft.key, error)
        entry = admin.values.get_entry(namespace, draft.key, latest)
        same = same_value(draft.content_type, draft.data, admin.values.open_entry(namespace, entry).data)
    except ConfigsvcError:
        return None
    same_kind = (entry.form, entry.content_type) == (draft.form or "envelope", draft.content_type)
    due = info is not None and info.rotate_by == draft.rotate_by
    if not same or not same_kind or not due or draft.activate is not (active == latest):
        return None
    return Stored(draft.key, latest, revision, active if isinstance(active, int) else None)


def _find_served(admin: Admin, namespace: Namespace, draft: Draft) -> Entry | None:
    """Returns the served entry of the key; None if there is none or this caller may not read it."""
    try:
        return admin.values.get_entry(namespace, draft.key)
    except (Forbidden, NotFound):
        return None


def _is_same(admin: Admin, namespace: Namespace, draft: Draft, served: Entry) -> bool:
    """Whether storing the draft would change nothing, neither value nor due date, and it has no precondition."""
    asked = draft.rotate_by or draft.if_match is not None or draft.create_only or not draft.activate
    if asked or served.content_type != draft.content_type:
        return False
    try:
        return same_value(draft.content_type, draft.data, admin.values.open_entry(namespace, served).data)
    except (CannotOpen, Misconfigured):
        return False


def _choose_content_type(flags: dict[str, object]) -> ContentType:
    if flags["as_json"] and flags["binary"]:
        raise click.UsageError("--json and --binary cannot be combined.")
    if flags["as_json"]:
        return JSON
    return BYTES if flags["binary"] else TEXT


def _get_text(found: object) -> str | None:
    return found if isinstance(found, str) else None


def _get_number(found: object) -> int | None:
    return found if isinstance(found, int) else None
