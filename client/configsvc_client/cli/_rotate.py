"""`configsvc data-key rotate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from configsvc.model.names import Namespace
from configsvc_client.cli import _exit, _options, _output, _retired, _settings, _terminal
from configsvc_client.cli._count import counted

if TYPE_CHECKING:
    from configsvc_client.admin import Admin, Part, Rotation


@click.command("rotate")
@_options.one_namespace
@click.option(
    "--kms-key",
    metavar="ARN",
    help="KMS key that wraps the new data key. Needed if CONFIGSVC_KMS_KEYS names several; else that of the newest.",
)
@click.option(
    "--fresh", is_flag=True, help="Make a new data key even if an earlier rotation was interrupted and left one."
)
@_options.message
def command(namespace: str | None, kms_key: str | None, message: str, *, fresh: bool) -> int:
    """Seal all served values under a new data key, and retire the others.

    This takes the write and admin actions, which are checked first. Others may read and write concurrently: no value of
    theirs is overwritten. If it is interrupted, run it again and it continues. After a leak use --fresh: a data key
    that an interrupted rotation left may be known too. Then paste the line with retired_kids into
    .configsvc.toml, as it is printed.

    Versions that are not served keep their data key. They can be read but no longer activated;
    `configsvc rollback --to-revision` seals them again. Values in plain and kms form have no data key.
    """
    target = _options.target(namespace)
    wrapping = None if kms_key is None else _settings.kms_key(kms_key)
    admin = _settings.admin()
    total = sum(each.served for each in admin.data_keys.list(target))
    with _terminal.progress(f"rotate {target}", total) as advance:

        def told(part: Part) -> None:
            advance(len(part.keys))

        try:
            done = admin.data_keys.rotate(target, wrapping, message or "rotate", fresh=fresh, told=told)
        except KeyboardInterrupt:
            _terminal.say(f"{target}: every value opens. Run it again: it goes on with what is left.")
            raise
    return _told(admin, target, done)


def _told(admin: Admin, namespace: Namespace, done: Rotation) -> int:
    """What came of it; the exit code is that of the first key that was refused."""
    for key, error in sorted(done.refused.items()):
        _terminal.say(f"{key}: {error.detail}")
    left = f", {len(done.left)} still needed" if done.left else ""
    retired_kids = _retired.advise(admin, namespace)
    retired = counted(len(done.retired), "data key")
    _output.done(
        f"{namespace}: {len(done.sealed)} sealed again under {done.kid}, {retired} retired{left}",
        {
            "namespace": namespace, "kid": done.kid, "sealed": sorted(done.sealed), "retired": list(done.retired),
            "left": list(done.left), "retired_kids": retired_kids,
            "refused": {key: error.detail for key, error in sorted(done.refused.items())},
        },
    )  # fmt: skip
    return _exit.code_of(done.refused[min(done.refused)]) if done.refused else 0
