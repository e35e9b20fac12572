"""A group of commands that says which command was meant."""

from __future__ import annotations

import click

_OTHER_WORDS = {
    "add": "put", "cat": "get", "cp": "copy", "login": "init", "ls": "list", "new": "namespace create",
    "permissions": "whoami", "read": "get", "remove": "delete", "rm": "delete", "run": "exec", "set": "put",
    "setup": "init", "show": "get", "status": "doctor", "store": "put", "undo": "rollback", "unset": "delete",
    "update": "put", "versions": "history", "write": "put",
}  # fmt: skip
"""What other tools call it."""


class Group(click.Group):
    """A group whose error for a command that does not exist names those that are spelt like it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's.

        Raises:
            click.UsageError: there is no such command; names the ones that may have been meant.
        """
        name = args[0]
        if name[:1] != "-" and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            from configsvc_client import _alike

            raise click.UsageError(f"No such command '{name}'. {_alike.question(self.like(ctx, name))}".strip(), ctx)
        found = super().resolve_command(ctx, args)
        if found[1] is not None:
            from configsvc_client.cli import _advice

            _advice.runs(ctx, found[1])
        return found

    def like(self, ctx: click.Context, name: str) -> list[str]:
        """Commands that may have been meant, with that of a group below written as `namespace create`."""
        from configsvc_client import _alike

        known = self.list_commands(ctx)
        other = _OTHER_WORDS.get(name.lower(), "")
        if other.split(" ")[0] in known:
            return [other]
        found = _alike.nearest(name, known)
        return found or [
            f"{group} {each}" for group in known for each in _below(ctx, self, group) if each == name.lower()
        ][:_alike.MOST]  # fmt: skip


def _below(context: click.Context, group: click.Group, name: str) -> list[str]:
    found = group.get_command(context, name)
    return found.list_commands(context) if isinstance(found, click.Group) else []
