"""A filter for logs that masks the secrets which a Config holds.

    for handler in logging.getLogger().handlers:
        handler.addFilter(SecretFilter(config))

Put it on handlers: a filter of a logger does not see what the loggers below it write. It is the last line, not the
first: `config.secret()` masks itself. What it does not find: secrets shorter than 8 characters, parts of one, and
encodings other than Python's and JSON's escapes and percent-encoding.
"""

from __future__ import annotations

import logging

from configsvc_client._config import Config
from configsvc_client._interrupts import reraise_interrupt
from configsvc_client._reading.mask import Mask

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class SecretFilter(logging.Filter):
    """Masks sealed values of 8 characters or more in the message, its arguments, extra members, traceback and stack.

    It never loads or refreshes: it reads the held snapshot, which costs a comparison while nothing changed. The values
    of the snapshot that it saw before are masked too, for who still holds one.

    Args:
        configs: whose values are secret.
    """

    def __init__(self, *configs: Config) -> None:
        super().__init__()
        self._masks = [(config, Mask()) for config in configs]
        self._follow()

    def filter(self, record: logging.LogRecord) -> bool:
        """Masks what the record holds and lets it pass. A note replaces a record that cannot be masked."""
        try:
            self._follow()
            for _, mask in self._masks:
                if mask:
                    _scrub(record, mask)
        except Exception as error:  # noqa: BLE001  # of an object that is logged, or one that holds itself
            _withhold(record, type(error).__name__)
            reraise_interrupt(error)
        return True

    def _follow(self) -> None:
        for config, mask in self._masks:
            mask.follow(config._shown)  # noqa: SLF001  # the held values, without a refresh


def _scrub(record: logging.LogRecord, mask: Mask) -> None:
    if record.args:
        record.args = mask.mask_any(record.args)
    record.msg = mask.mask_any(record.msg)
    if record.args or type(record.msg) is not str:  # what is derived from it may show something else
        _scrub_message(record, mask)
    _scrub_traceback(record, mask)
    if record.stack_info:
        record.stack_info = mask.mask_text(record.stack_info)
    for name, value in vars(record).items():
        if name not in _STANDARD:
            setattr(record, name, mask.mask_object(value))


def _withhold(record: logging.LogRecord, why: str) -> None:
    record.msg, record.args = f"A record could not be searched for secrets ({why}), and is withheld.", None
    record.exc_info = record.exc_text = record.stack_info = None
    for name in vars(record).keys() - _STANDARD:
        setattr(record, name, None)


def _scrub_message(record: logging.LogRecord, mask: Mask) -> None:
    """Objects show themselves only in the finished message; then it takes the place of message and arguments."""
    try:
        message = record.getMessage()
    except Exception as error:  # noqa: BLE001  # logging would print the arguments to say so
        reraise_interrupt(error)
        message = f"{record.msg!s} {record.args!r}"
        record.msg, record.args = mask.mask_text(message), None
        return
    masked = mask.mask_text(message)
    if masked != message:
        record.msg, record.args = masked, None


def _scrub_traceback(record: logging.LogRecord, mask: Mask) -> None:
    """Formatters take the finished text; the exception itself would show its arguments again."""
    if record.exc_text:
        record.exc_text = mask.mask_text(record.exc_text)
    if not record.exc_info:
        return
    text = logging.Formatter().formatException(record.exc_info)
    masked = mask.mask_text(text)
    if masked != text:
        record.exc_text, record.exc_info = masked, None
