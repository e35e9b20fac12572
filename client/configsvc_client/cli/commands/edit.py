"""Edit a value in $EDITOR and seal it on save.

It is stored only if nobody else has changed KEY in the meantime. While the editor runs, the value is in a file of mode
0600, in memory (/dev/shm) where the system has that; afterwards, the file and everything the editor left beside it are
wiped. JSON is shown indented. A newline that the editor adds at the end is not stored. Nothing is stored if nothing
changed or the editor fails. The value is sealed, whatever its form until now, unless --plain or your policy says that
KEY is not secret.

$VISUAL takes precedence over $EDITOR. The editor must run until you have finished, like EDITOR='code --wait'. Without a
terminal, use a program that edits by itself, like EDITOR='sed -i s/old/new/'. A value that you emptied, or that is now
only white space, is stored if you confirm it, or with --allow-empty.

If someone else changed KEY first, nothing is overwritten. On a terminal you choose: edit again, with their value next
to yours; stage yours as a version that is not served; or quit and discard yours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from configsvc.model.content_types import KINDS, TEXT
from configsvc.model.errors import ConfigsvcError, NotFound, PreconditionFailed, Unprocessable, VersionClaimed
from configsvc.model.same_value import same_value
from configsvc_client.cli import exit_codes, options
from configsvc_client.cli.output import records, terminal
from configsvc_client.cli.run import editors
from configsvc_client.cli.settings import composition
from configsvc_client.cli.values import checks, inputs, protection

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc.model.snapshot import Form
    from configsvc_client.admin import Admin, Draft, Opened, Stored
    from configsvc_client.cli.run.editors import Editor

_AGAIN, _STAGE, _EMPTY, _QUIT = "edit", "stage", "store", "quit"


@click.command(help=__doc__)
@options.add_namespace_option
@click.argument("key")
@protection.add_flags
@inputs.add_allow_empty
@options.add_message_option
def command(
    key: str, namespace: str | None, message: str, *, seal: bool, plain: bool, kms: bool, allow_empty: bool
) -> int:
    target, admin = options.choose_target(namespace), composition.open_admin()
    session = _Session(admin, target, key, message, protection.get_form(seal, plain, kms), allow_empty=allow_empty)
    return session.run(editors.find_editor())


class _Base(NamedTuple):
    """The value to edit: the served one or None, and the revision that last touched the key.

    `form` is how it will be stored, by an option, the policy or a person; None if none of them decided.
    """

    opened: Opened | None
    revision: int | None
    form: Form | None = None

    @property
    def content(self) -> bytes:
        """The text to show in the editor."""
        if self.opened is None:
            return b""
        if not KINDS[self.opened.content_type].is_json:
            return self.opened.data
        return checks.indent_json(self.opened.data) or self.opened.data

    @property
    def suffix(self) -> str:
        """The file name suffix, by which the editor chooses its colours."""
        return KINDS[self.opened.content_type if self.opened else TEXT].suffix

    def is_unchanged_by(self, content: bytes) -> bool:
        """Whether storing the saved text would change nothing."""
        if self.opened is None:
            return content == self.content
        return self.parse_saved(content) == self.opened.data and self.form in (None, self.opened.form)

    def parse_saved(self, content: bytes) -> bytes:
        """Parses the value from the saved text; returns the original bytes if the value is the same."""
        if self.opened is None:
            return content.removesuffix(b"\n")
        before = self.opened.data
        found = before if content == self.content else _drop_added_end(content, before)
        return before if same_value(self.opened.content_type, found, before) else found

    def is_emptied_by(self, content: bytes) -> bool:
        """Whether the saved text is empty or only white space, and the served value is not."""
        before = self.opened.data if self.opened else None
        return inputs.is_blank(self.parse_saved(content)) and (before is None or not inputs.is_blank(before))

    def make_draft(self, key: str, data: bytes) -> Draft:
        """Makes the draft to store, on the condition that the key has not changed.

        Raises:
            InvalidName, Unprocessable: it cannot be stored so.
        """
        from configsvc.model import names
        from configsvc_client.admin import Draft, check_draft

        name = names.parse_key(key)
        if self.opened is None:
            return check_draft(
                Draft(name, data, TEXT, self.form, if_match=self.revision, create_only=self.revision is None)
            )
        return check_draft(Draft(name, data, self.opened.content_type, self.form, if_match=self.revision))


def _drop_added_end(content: bytes, before: bytes) -> bytes:
    """Removes the line end that an editor added to a value without one."""
    if before.endswith(b"\n"):
        return content
    ends = b"\r\n" if b"\r\n" in before and not before.endswith(b"\r") else b"\n"
    return content.removesuffix(ends if content.endswith(ends) else b"\n")


class _Session:
    """Edits one value until it is stored or discarded."""

    def __init__(
        self, admin: Admin, namespace: Namespace, key: str, message: str, asked: Form | None, *, allow_empty: bool
    ) -> None:
        self._admin = admin
        self._namespace = namespace
        self._key = key
        self._message = message
        self._asked_form = asked
        self._allow_empty = allow_empty

    def run(self, editor: Editor) -> int:
        """Runs the session and returns the exit code."""
        base, theirs = self._read(), None
        if base.opened is None:
            terminal.say(f"Nothing is served under {self._key}: what you save will be its first value.")
        start = base.content
        while True:
            content = editor.edit(start, base.suffix, theirs)
            if base.is_unchanged_by(content):
                terminal.say(f"{self._namespace} {self._key}: nothing changed, nothing stored")
                if editor.may_return_early and terminal.can_ask():
                    terminal.say("If the editor returned immediately, make it wait, like EDITOR='code --wait'.")
                return 0
            found = self._try_to_store(base, content)
            if isinstance(found, int):
                return found
            start, base, theirs = content, found, found.content

    def _try_to_store(self, base: _Base, content: bytes) -> int | _Base:
        """Returns the exit code, or the new base for editing the draft again. On any failure, asks what to do."""
        chosen = ""
        while True:
            try:
                if chosen == _AGAIN:
                    return self._read()
                self._check_empty(base, content, asked_for=chosen == _EMPTY)
                self._report(self._stage(base, content) if chosen == _STAGE else self._store(base, content))
            except ConfigsvcError as error:
                chosen = self._ask(error, empty=base.is_emptied_by(content) and base.suffix != ".json")
                if chosen == _QUIT:
                    terminal.say("Nothing was stored. Your draft was discarded.")
                    return exit_codes.get_code(error)
            else:
                return 0

    def _read(self) -> _Base:
        """Reads the key's revision first, so that a later write by someone else makes the put fail."""
        form = self._admin.values.resolve_form(self._namespace, self._key, self._asked_form)
        info = next(iter(self._admin.values.find_keys(self._namespace, [self._key]).values()), None)
        try:
            opened = self._admin.values.get(self._namespace, self._key)
        except NotFound:
            return _Base(None, info.revision if info else None, form)
        if not KINDS[opened.content_type].is_text:
            raise Unprocessable(f"{self._key} holds bytes. Store a file: configsvc put {self._key} @FILE --binary")
        if opened.form == "plain" and form is None:  # before the editor opens, so that no work is lost
            form = self._asked_form = protection.decide_form(self._namespace, self._key)
        protection.warn_form_changes([self._key] if opened.form == "kms" and form is None else [])
        return _Base(opened, info.revision if info else None, form)

    def _check_empty(self, base: _Base, content: bytes, *, asked_for: bool) -> None:
        self._allow_empty = self._allow_empty or asked_for
        if base.is_emptied_by(content) and not self._allow_empty:
            saved = "only white space" if base.parse_saved(content) else "nothing"
            raise inputs.refuse_empty(self._key, f"The editor saved {saved}.", as_json=base.suffix == ".json")

    def _store(self, base: _Base, content: bytes) -> Stored:
        return self._admin.values.put_draft(
            self._namespace, base.make_draft(self._key, base.parse_saved(content)), self._message
        )

    def _stage(self, base: _Base, content: bytes) -> Stored:
        from configsvc_client.admin import guard_draft

        draft = base.make_draft(self._key, base.parse_saved(content))
        # The key as it is now: a namespace may require a precondition, and staging overwrites nothing.
        staged = guard_draft(draft, self._admin.values.find_keys(self._namespace, [self._key]))._replace(activate=False)
        return self._admin.values.put_draft(self._namespace, staged, self._message)

    def _ask(self, error: ConfigsvcError, *, empty: bool) -> str:
        """Asks what to do with a draft that was not stored; quits if there is nobody to ask."""
        raced = isinstance(error, (PreconditionFailed, VersionClaimed))
        if raced:
            terminal.say(f"{self._namespace} {self._key} changed while you edited: {self._describe_latest()}")
        for line in exit_codes.get_lines(error):
            terminal.say(line)
        if not terminal.can_ask():
            return _QUIT
        more = [_STAGE] if raced else [_EMPTY] if empty else []
        try:
            return terminal.choose("Your draft", [_AGAIN, *more, _QUIT])
        except terminal.InputEnded:
            return _QUIT

    def _describe_latest(self) -> str:
        try:
            latest = next(iter(self._admin.history.list_versions(self._namespace, self._key)))
        except (ConfigsvcError, StopIteration):
            return "by an unknown writer."
        return f"version {latest.version} by {latest.written_by} at {latest.written_at}."

    def _report(self, stored: Stored) -> None:
        state = "served" if stored.active == stored.version else "staged"
        records.report_done(
            f"{self._namespace} {stored.key}: version {stored.version}, {state}, revision {stored.revision}",
            {"namespace": self._namespace, **stored._asdict()},
        )
