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
from configsvc_client.cli.output import confirm, records, terminal
from configsvc_client.cli.output.words import count
from configsvc_client.cli.settings import composition, retired_data_keys

if TYPE_CHECKING:
    from configsvc.model.names import Kid, Namespace
    from configsvc_client.admin import Admin, Part, Rotation


_DASHED_KID = re.compile("-[A-Za-z0-9_-]{42}")


class _TakesKid(click.Command):
    """A command with a kid as its argument: one in 64 begins with a dash, and is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments, such a kid behind the options."""
        kids = [each for each in args if _DASHED_KID.fullmatch(each)]
        if kids and "--" not in args:
            args = [*(each for each in args if each not in kids), "--", *kids]
        return super().parse_args(ctx, args)


@click.group(cls=common.Group, help=__doc__)
def command() -> None:
    pass


@command.command("add")
@options.one_namespace
@click.option("--kms-key", metavar="ARN", help="KMS key that wraps it; CONFIGSVC_KMS_KEYS where left out.")
def add(namespace: str | None, kms_key: str | None) -> None:
    """Add a data key and seal new values under it.

    It is made with kms:GenerateDataKey.
    """
    target = options.choose_target(namespace)
    wrapping = composition.choose_kms_key(kms_key)
    kid = composition.open_admin().data_keys.add(target, wrapping)
    records.report_done(
        f"{target}: data key {kid} added under {wrapping}", {"namespace": target, "kid": kid, "kms_key": wrapping}
    )


@command.command("list")
@options.one_namespace
def list_(namespace: str | None) -> None:
    """List the data keys, newest first.

    Revision is the one that added the data key: the newest has the highest.

    In a pipe: kid, state, seals, served, KMS key, revision, separated by tabs.
    """
    found = composition.open_admin().data_keys.list(options.choose_namespace(namespace))
    records.print_table(
        ("kid", "state", "seals", "served", "KMS key", "revision"),
        (
            (each.data_key.kid, each.state, each.seals, each.served, each.data_key.kms_key, each.revision)
            for each in found
        ),
    )


@command.command("rewrap", cls=_TakesKid)
@options.one_namespace
@click.argument("kid", required=False)
@click.option("--kms-key", metavar="ARN", help="KMS key to wrap it under; CONFIGSVC_KMS_KEYS where left out.")
def rewrap(kid: str | None, namespace: str | None, kms_key: str | None) -> None:
    """Wrap data keys under another KMS key. Values stay.

    Wraps KID, or every live data key. This takes the admin action.

    Readers have to pin the new KMS key (CONFIGSVC_KMS_KEYS) first: otherwise they can open nothing from then on.
    """
    target, wrapping = options.choose_target(namespace), composition.choose_kms_key(kms_key)
    admin = composition.open_admin()
    kids = _live(admin, target) if kid is None else [kid]
    for each in kids:
        admin.data_keys.rewrap(target, each, wrapping)
        terminal.say(f"{target}: data key {each} wrapped under {wrapping}")
    if records.get_kind() == "json":
        records.print_record({"namespace": target, "kids": kids, "kms_key": wrapping})


def _live(admin: Admin, namespace: Namespace) -> list[Kid]:
    """Those that are live by the service's word and not retired by ours."""
    live = [each.kid for each in admin.data_keys.list(namespace) if each.state == "live"]
    back = [kid for kid in live if kid in admin.data_keys.get_retired(namespace)]
    if back:
        terminal.say(
            f"{namespace}: {retired_data_keys.describe_offered(back)}. They are not wrapped again; rotate: "
            f"configsvc data-key rotate -n {namespace} --fresh"
        )
    return [kid for kid in live if kid not in back]


@command.command("retire", cls=_TakesKid)
@options.one_namespace
@click.argument("kid")
def retire(kid: str, namespace: str | None) -> None:
    """Retire a data key for good.

    Nothing more is sealed under KID, and no version sealed under it is activated. There is no way back. This is refused
    while served entries need it: `configsvc data-key rotate` seals those again and retires it.
    """
    target, admin = options.choose_target(namespace), composition.open_admin()
    question = f"Retire data key {kid} of {target}? Versions sealed under it can no longer be activated."
    confirm.confirm(question, lambda: _check(admin, target, kid))
    admin.data_keys.retire(target, kid)
    retired_kids = _advise_retired(admin, target)
    done = {"namespace": target, "kid": kid, "retired_kids": retired_kids}
    records.report_done(f"{target}: data key {kid} retired", done)


def _check(admin: Admin, namespace: Namespace, kid: str) -> None:
    """That the data key exists.

    Raises:
        NotFound: it does not.
    """
    if kid not in {each.data_key.kid for each in admin.data_keys.list(namespace)}:
        raise NotFound(f"{namespace} has no data key {kid}.", kid=kid)


def _advise_retired(admin: Admin, namespace: Namespace) -> list[str]:
    """The retired kids of a namespace. Those that the trusted policy lacks are shown as the line to paste."""
    with suppress(ConfigsvcError):  # earlier retired ones too, where the API key may read
        admin.data_keys.list(namespace)
    policy = composition.get_policy()
    held = policy.retired_kids(namespace) if composition.resolve().project_trusted else frozenset[str]()
    kids = sorted(admin.data_keys.get_retired(namespace) | held)
    if records.get_kind() != "json" and not held.issuperset(kids):
        terminal.say(
            "The service could be made to offer a retired data key again. So that nobody seals under it, set this in "
            f'.configsvc.toml under [policy."{policy.table(namespace) or namespace}"], run configsvc trust, and commit '
            "the file:",
            f"retired_kids = {json.dumps(kids)}",
        )
    return kids


@command.command("rotate")
@options.one_namespace
@click.option(
    "--kms-key",
    metavar="ARN",
    help="KMS key that wraps the new data key. Needed if CONFIGSVC_KMS_KEYS names several; else that of the newest.",
)
@click.option(
    "--fresh", is_flag=True, help="Make a new data key even if an earlier rotation was interrupted and left one."
)
@options.message
def rotate(namespace: str | None, kms_key: str | None, message: str, *, fresh: bool) -> int:
    """Seal all served values under a new data key, and retire the others.

    This takes the write and admin actions, which are checked first. Others may read and write concurrently: no value of
    theirs is overwritten. If it is interrupted, run it again and it continues. After a leak use --fresh: a data key
    that an interrupted rotation left may be known too. Then paste the line with retired_kids into
    .configsvc.toml, as it is printed.

    Versions that are not served keep their data key. They can be read but no longer activated;
    `configsvc rollback --to-revision` seals them again. Values in plain and kms form have no data key.
    """
    target = options.choose_target(namespace)
    wrapping = None if kms_key is None else composition.choose_kms_key(kms_key)
    admin = composition.open_admin()
    total = sum(each.served for each in admin.data_keys.list(target))
    with terminal.show_progress(f"rotate {target}", total) as advance:

        def told(part: Part) -> None:
            advance(len(part.keys))

        try:
            done = admin.data_keys.rotate(target, wrapping, message or "rotate", fresh=fresh, told=told)
        except KeyboardInterrupt:
            terminal.say(f"{target}: every value opens. Run it again: it goes on with what is left.")
            raise
    return _report_rotation(admin, target, done)


def _report_rotation(admin: Admin, namespace: Namespace, done: Rotation) -> int:
    """What came of it; the exit code is that of the first key that was refused."""
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
