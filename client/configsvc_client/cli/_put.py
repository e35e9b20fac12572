"""`configsvc put`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from configsvc.model.entry import ContentType, Form
from configsvc_client.cli import _options, _output, _settings, _values
from configsvc_client.cli._generate import LEAST, LENGTH, MOST, generated


def _day(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    del context, option
    if given is None:
        return None
    try:
        return datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        raise click.BadParameter("a day is written like 2027-01-31.") from None


@click.command("put")
@_options.one_namespace
@click.argument("key")
@click.argument("source", required=False, nargs=-1, metavar="[- | @FILE | VALUE]")
@click.option("--from-file", metavar="FILE", type=click.Path(dir_okay=False), help="Read the value from a file.")
@click.option("--plain", is_flag=True, help="No secret: stored in the clear, and VALUE may stand on the command line.")
@click.option(
    "--kms", is_flag=True, help="Seal with kms:Encrypt itself (at most 4,096 bytes; one KMS call per reader)."
)
@click.option("--json", "as_json", is_flag=True, help="The value is JSON.")
@click.option("--binary", is_flag=True, help="The value is bytes, not text.")
@click.option("--exact", is_flag=True, help="Keep a newline at the end of stdin.")
@click.option(
    "--generate", is_flag=False, flag_value=str(LENGTH), metavar="[LENGTH]", type=click.IntRange(LEAST, MOST),
    help=f"Make a random secret of letters and digits, {LENGTH} of them where no length is said. It is not shown.",
)  # fmt: skip
@click.option("--if-match", type=click.IntRange(min=1), help="Only if the key was last changed at this revision.")
@click.option("--create-only", is_flag=True, help="Only if nothing is served under the key.")
@click.option("--stage", is_flag=True, help="Store the version without serving it.")
@click.option("--declassify", is_flag=True, help="Let --plain follow a sealed version (takes the admin action).")
@click.option("--rotate-by", metavar="YYYY-MM-DD", callback=_day, help="When the value is to be replaced.")
@_options.message
def command(
    key: str, source: tuple[str, ...], from_file: str | None, namespace: str | None, message: str, **flags: object
) -> None:
    """Seal a value and store it as the next version of KEY.

    The value comes from stdin (-), a file (@FILE) or, when left out, a prompt that does not show it.
    """
    from configsvc.model import names
    from configsvc_client.admin import Draft, checked

    if len(source) > 1:
        raise click.UsageError("More than one value. Quote it, or give it by stdin (-) or @FILE.")
    target, name = _options.target(namespace), names.key(key)
    made = _number(flags["generate"])
    if made and (source or from_file or flags["plain"]):
        raise click.UsageError("--generate makes a secret by itself: leave the value and --plain out.")
    plain, exact = bool(flags["plain"]), bool(flags["exact"] or flags["binary"])
    data = (
        generated(made) if made
        else _values.read(key, source[0] if source else None, from_file, plain=plain, exact=exact)
    )  # fmt: skip
    draft = checked(Draft(
        key=name, data=data, content_type=_content_type(flags), form=_form(flags), activate=not flags["stage"],
        declassify=bool(flags["declassify"]), rotate_by=_text(flags["rotate_by"]), if_match=_number(flags["if_match"]),
        create_only=bool(flags["create_only"]),
    ))  # fmt: skip
    stored = _settings.admin().put_draft(target, draft, message)
    state = "served" if stored.active == stored.version else "staged"
    _output.done(
        f"{target} {stored.key}: version {stored.version}, {draft.form}, {state}, revision {stored.revision}",
        {"namespace": target, **stored._asdict()},
    )


def _form(flags: dict[str, object]) -> Form:
    if flags["plain"] and flags["kms"]:
        raise click.UsageError("--plain and --kms exclude each other.")
    return "plain" if flags["plain"] else "kms" if flags["kms"] else "envelope"


def _content_type(flags: dict[str, object]) -> ContentType:
    if flags["as_json"] and flags["binary"]:
        raise click.UsageError("--json and --binary exclude each other.")
    if flags["as_json"]:
        return "application/json"
    return "application/octet-stream" if flags["binary"] else "text/plain"


def _text(found: object) -> str | None:
    return found if isinstance(found, str) else None


def _number(found: object) -> int | None:
    return found if isinstance(found, int) else None
