"""What `configsvc copy` will do and did: the plan as a table, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError
from configsvc_client.cli import _exit, _output, _replacing, _terminal

if TYPE_CHECKING:
    from configsvc.model.entry import Entry
    from configsvc.model.names import Namespace
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Admin, KeyInfo
    from configsvc_client.cli._plan import Planned

_COLUMNS = ("key", "step", "form", "content type", "bytes", "in the target")


def show(admin: Admin, plan: Sequence[Planned], there: SealedSnapshot) -> None:
    """The plan as a table, beside what the target has under each key. No value is in it."""
    served = {entry.key: entry for entry in there.entries}
    known = admin.values.find_keys(there.namespace, [each.draft.key for each in plan if each.step == "new"])
    _output.table(_COLUMNS, (_row(each, served.get(each.draft.key), known.get(each.draft.key)) for each in plan))


def _row(each: Planned, served: Entry | None, known: KeyInfo | None) -> tuple[str | int | None, ...]:
    draft, stays = each.draft, each.step in ("unchanged", "kept")
    form = served.form if served and stays else draft.form or "envelope"
    size = None if each.step == "kept" else len(draft.data)
    return draft.key, each.step, form, draft.content_type, size, _there(draft.content_type, served, known)


def _there(content_type: str, served: Entry | None, known: KeyInfo | None) -> str | None:
    """What the target has: the version that is served, with its content type where that is another."""
    if served:
        other = f", {served.content_type}" if served.content_type != content_type else ""
        return f"version {served.version}, {served.form}{other}"
    return f"{known.state}, latest version {known.latest}" if known else None


def report(
    namespaces: tuple[Namespace, Namespace], plan: Sequence[Planned], failures: Mapping[str, ConfigsvcError], *,
    dry_run: bool,
) -> None:  # fmt: skip
    """Say what was copied, and why the rest was not."""
    source, target = namespaces
    for key, error in failures.items():
        _terminal.say(f"{key}: {_exit.reason_of(error)}")
    done = [each for each in plan if each.draft.key not in failures]
    stored = [each for each in done if each.step in _replacing.STORED]
    new, unchanged, kept = (_count(done, step) for step in ("new", "unchanged", "kept"))
    said = f"{source} → {target}: {len(stored)} {'would be copied (--dry-run)' if dry_run else 'copied'}"
    parts = [f"{new} new, {len(stored) - new} replaced" if stored else "", f"{unchanged} unchanged"]
    parts += [f"{kept} kept" if kept else "", f"{len(failures)} failed"]
    said = f"{said}: {', '.join(part for part in parts if part)}"
    if dry_run:
        _terminal.say(said)
        return
    failed = [{"key": key, "code": each.code, "reason": _exit.reason_of(each)} for key, each in failures.items()]
    _output.done(said, {
        "from": source, "namespace": target, "copied": len(stored), "new": new, "replaced": len(stored) - new,
        "unchanged": unchanged, "kept": kept, "failed": failed,
    })  # fmt: skip


def _count(plan: Iterable[Planned], step: str) -> int:
    return sum(each.step == step for each in plan)
