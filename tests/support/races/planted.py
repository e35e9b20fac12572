"""Tables with a planted bug, to show that the races detect it."""

from collections.abc import Callable, Sequence
from threading import Lock

from configsvc.adapters.memory import MemoryRepository
from configsvc.service.engine.ports import Remove, StampCheck, Write, WriteAction
from configsvc.service.engine.records import address_of


class Forgetful(MemoryRepository):
    """Keeps only the conditions on sort keys that `kept` accepts; the others succeed whatever is there."""

    def __init__(self, between: Callable[[], None], kept: Callable[[str], bool]) -> None:
        super().__init__(between)
        self._whole = Lock()
        self._kept = kept

    def commit(self, actions: Sequence[WriteAction]) -> None:
        with self._whole:
            super().commit([self._forgotten(action) for action in actions])

    def _forgotten(self, action: WriteAction) -> WriteAction:
        address = address_of(action.record) if isinstance(action, Write) else action.address
        if self._kept(address.sk):
            return action
        return _drop_condition(action, self._stamp(address))


def _drop_condition(action: WriteAction, stamp: int | None) -> WriteAction:
    match action:
        case Write(record):
            return Write(record, stamp)
        case StampCheck(address):
            return StampCheck(address, stamp)
        case Remove(address):
            return Remove(address, stamp or 0)
