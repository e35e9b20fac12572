"""List, add, rotate, rewrap and retire data keys.

The values of a namespace are sealed under its data keys.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import ConfigsvcError, NotFound
from configsvc_client.cli import common, exit_codes, options
from configsvc_client.cli.output import confirm, records, terminal, words
from configsvc_client.cli.output.words import count
from configsvc_client.cli.settings import composition, retired_data_keys

if TYPE_CHECKING:
    from configsvc.model.names import Kid, Namespace
    from configsvc_client.admin import Admin, Part, Rotation


_DASHED_KID = re.compile("-[A-Za-z0-9_-]{42}")


class _TakesKid(click.Command):
    """A command that takes a kid: one in 64 begins with a dash and must not be read as an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Moves such a kid behind the options."""
        kids = [each for each in args if _DASHED_KID.fullmatch(each)]
        if kids and "--" not in args:
            args = [*(each for each in args if each not in kids), "--", *kids]
        return super().parse_args(ctx, args)


@click.group(cls=common.Group, help=__doc__)
def command() -> None:
    pass


@command.command("add")
@options.add_namespace_option
@click.option("--kms-key", metavar="ARN", help="KMS key that wraps it. Default: CONFIGSVC_KMS_KEYS.")
def add(namespace: str | None, kms_key: str | None) -> None:
    """Add a data key and seal new values under it.

    The data key is generated with kms:GenerateDataKey.
    """
    target = options.choose_target(namespace)
    wrapping = composition.choose_kms_key(kms_key)
    kid = composition.open_admin().data_keys.add(target, wrapping)
    records.report_done(
        f"{target}: data key {kid} added under {wrapping}", {"namespace": target, "kid": kid, "kms_key": wrapping}
    )


@command.command("list")
@options.add_namespace_option
def list_(namespace: str | None) -> None:
    """List the data keys, newest first.

    The revision is the one that added the data key, so the newest has the highest. A live data key is due by age after
    90 days, and by seals once it sealed four fifths of the values that it may seal. To replace it: configsvc data-key
    rotate.

    In a pipe: kid, state, seals, served, KMS key, revision, created at, due, separated by tabs.
    """
    found, now = composition.open_admin().data_keys.list(options.choose_namespace(namespace)), words.get_now()
    records.print_table(
        ("kid", "state", "seals", "served", "KMS key", "revision", "created at", "due"),
        (
            (
                each.data_key.kid, each.state, each.seals, each.served, each.data_key.kms_key, each.revision,
                each.created_at, each.find_reasons(now.timestamp()),
            )
            for each in found
        ),
        {"created at": words.shorten_times(now)},
    )  # fmt: skip


@command.command("rewrap", cls=_TakesKid)
@options.add_namespace_option
@click.argument("kid", required=False)
@click.option("--kms-key", metavar="ARN", help="KMS key to wrap it under. Default: CONFIGSVC_KMS_KEYS.")
def rewrap(kid: str | None, namespace: str | None, kms_key: str | None) -> None:
    """Wrap data keys under another KMS key. Values do not change.

    Wraps KID, or every live data key. This requires the admin action.

    Readers must pin the new KMS key (CONFIGSVC_KMS_KEYS) first: otherwise they cannot open anything afterwards.
    """
    target, wrapping = options.choose_target(namespace), composition.choose_kms_key(kms_key)
    admin = composition.open_admin()
    kids = _list_live(admin, target) if kid is None else [kid]
    for each in kids:
        admin.data_keys.rewrap(target, each, wrapping)
        terminal.say(f"{target}: data key {each} wrapped under {wrapping}")
    if records.get_kind() == "json":
        records.print_record({"namespace": target, "kids": kids, "kms_key": wrapping})


def _list_live(admin: Admin, namespace: Namespace) -> list[Kid]:
    """Lists the data keys that are live according to the service and not retired according to us."""
    live = [each.kid for each in admin.data_keys.list(namespace) if each.state == "live"]
    back = [kid for kid in live if kid in admin.data_keys.get_retired(namespace)]
    if back:
        terminal.say(
            f"{namespace}: {retired_data_keys.describe_offered(back)}. They are not rewrapped. Rotate instead: "
            f"configsvc data-key rotate -n {namespace} --fresh"
        )
    return [kid for kid in live if kid not in back]


@command.command("retire", cls=_TakesKid)
@options.add_namespace_option
@click.argument("kid")
def retire(kid: str, namespace: str | None) -> None:
    """Retire a data key for good.

    Nothing more is sealed under KID, and versions sealed under it can no longer be activated. This cannot be undone. It
    is refused while served entries need KID: `configsvc data-key rotate` seals them again and retires it.
    """
    target, admin = options.choose_target(namespace), composition.open_admin()
    question = f"Retire data key {kid} of {target}? Versions sealed under it can no longer be activated."
    confirm.confirm(question, lambda: _check_exists(admin, target, kid))
    admin.data_keys.retire(target, kid)
    retired_kids = _advise_retired(admin, target)
    done = {"namespace": target, "kid": kid, "retired_kids": retired_kids}
    records.report_done(f"{target}: data key {kid} retired", done)


def _check_exists(admin: Admin, namespace: Namespace, kid: str) -> None:
    """Checks that the data key exists.

    Raises:
        NotFound: it does not exist.
    """
    if kid not in {each.data_key.kid for each in admin.data_keys.list(namespace)}:
        raise NotFound(f"{namespace} has no data key {kid}.", kid=kid)


def _advise_retired(admin: Admin, namespace: Namespace) -> list[str]:
    """Returns the retired kids of a namespace, and prints the policy line to paste if the trusted policy lacks any."""
    with suppress(ConfigsvcError):  # also those retired earlier, if the API key may read
        admin.data_keys.list(namespace)
    policy = composition.get_policy()
    held = policy.retired_kids(namespace) if composition.resolve().project_trusted else frozenset[str]()
    kids = sorted(admin.data_keys.get_retired(namespace) | held)
    if records.get_kind() != "json" and not held.issuperset(kids):
        terminal.say(
            "A tampered service could offer a retired data key again. So that nobody seals under it, add this line "
            f'to [policy."{policy.table(namespace) or namespace}"] in .configsvc.toml, run configsvc trust, and commit '
            "the file:",
            f"retired_kids = {json.dumps(kids)}",
        )
    return kids


@command.command("rotate")
@options.add_namespace_option
@click.option(
    "--kms-key",
    metavar="ARN",
    help="KMS key that wraps the new data key. Required if CONFIGSVC_KMS_KEYS names several. Default: the newest's.",
)
@click.option("--fresh", is_flag=True, help="Make a new data key, even if an interrupted rotation left one.")
@options.add_message_option
def rotate(namespace: str | None, kms_key: str | None, message: str, *, fresh: bool) -> int:
    """Seal all served values under a new data key, and retire the others.

    This requires the write and admin actions, which are checked first. Others can read and write at the same time:
    their values are not overwritten. If it is interrupted, run it again to continue. After a leak, use --fresh, because
    the data key of an interrupted rotation may have leaked too. Then paste the printed retired_kids line into
    .configsvc.toml.

    Versions that are not served keep their data key: they can be read but no longer activated. `configsvc rollback
    --to-revision` seals them again. Values in plain and kms form have no data key.
    """
    target = options.choose_target(namespace)
    wrapping = None if kms_key is None else composition.choose_kms_key(kms_key)
    admin = composition.open_admin()
    total = sum(each.served for each in admin.data_keys.list(target))
    with terminal.show_progress(f"rotate {target}", total) as advance:

        def report_part(part: Part) -> None:
            advance(len(part.keys))

        try:
            done = admin.data_keys.rotate(target, wrapping, message or "rotate", fresh=fresh, on_part=report_part)
        except KeyboardInterrupt:
            terminal.say(f"{target}: every value still opens. Run the command again to continue.")
            raise
    return _report_rotation(admin, target, done)


def _report_rotation(admin: Admin, namespace: Namespace, done: Rotation) -> int:
    """Reports a rotation. Returns the exit code of the first refused key, or 0."""
    for key, error in sorted(done.refused.items()):
        terminal.say(f"{key}: {error.detail}")
    left = f", {len(done.left)} still needed" if done.left else ""
    retired_kids = _advise_retired(admin, namespace)
    retired = count(len(done.retired), "data key")
    records.report_done(
        f"{namespace}: {len(done.sealed)} sealed again under {done.kid}, {retired} retired{left}",
        {
            "namespace": namespace, "kid": done.kid, "sealed": sorted(done.sealed), "retired": list(done.retired),
            "left": list(done.left), "retired_kids": retired_kids,
            "refused": {key: error.detail for key, error in sorted(done.refused.items())},
        },
    )  # fmt: skip
    return exit_codes.get_code(done.refused[min(done.refused)]) if done.refused else 0
