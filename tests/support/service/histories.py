"""Histories of a namespace, written to a service and to a plain model of it, which keeps every revision."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Self

from hypothesis import strategies as st

from configsvc.model import names
from configsvc.model.change_set import Activate, Delete, Operation
from configsvc.model.errors import ConfigsvcError
from configsvc.model.names import Key
from configsvc.service.engine.ports import Repository
from configsvc.service.verbs.data_keys import add_data_key
from configsvc.service.verbs.keys import destroy_version
from tests.support.service.sealed import data_key
from tests.support.service.world import ADMIN, NS, World, make_world, sealed, text

KEYS = ("a", "a.b", "b", "c")


class Step(NamedTuple):
    """One drawn operation: `number` is a version to activate or destroy, or the data key to seal under."""

    kind: Literal["put", "stage", "seal", "activate", "delete", "destroy"]
    key: str
    number: int


kinds = st.sampled_from(["put", "put", "stage", "seal", "activate", "activate", "delete", "destroy"])
steps = st.builds(Step, kinds, st.sampled_from(KEYS), st.integers(1, 4))
histories = st.lists(st.lists(steps, min_size=1, max_size=4, unique_by=lambda step: step.key), min_size=1, max_size=14)


class ModelledWorld:
    """A world, and what each revision serves: key to version and value."""

    def __init__(self, repository: Repository | None = None) -> None:
        self.world: World = make_world(repository)
        for number in (1, 2, 3):
            add_data_key(self.world.ports, ADMIN, NS, data_key(number), None)
        self.revisions: list[dict[str, int]] = [{}] * 6
        self.values: dict[tuple[str, int], str] = {}
        self.destroyed: set[tuple[str, int]] = set()

    @property
    def revision(self) -> int:
        return len(self.revisions) - 1

    def write(self, history: Sequence[Sequence[Step]]) -> Self:
        """Writes a history. Operations that the service refuses do not count."""
        for change_set in history:
            for step in change_set:
                if step.kind == "destroy":
                    self._destroy(step)
            self._change([step for step in change_set if step.kind != "destroy"])
        return self

    def _destroy(self, step: Step) -> None:
        before = self.world.head().revision
        try:
            destroy_version(self.world.ports, ADMIN, NS, Key(step.key), step.number, None)
        except ConfigsvcError:
            return
        if self.world.head().revision > before:
            self.revisions.append(self.revisions[-1])
            self.destroyed.add((step.key, step.number))

    def _change(self, asked: Sequence[Step]) -> None:
        operations = [self._operation(step) for step in asked]
        try:
            self.world.change(*operations)
        except ConfigsvcError:
            return
        served = dict(self.revisions[-1])
        for step, operation in zip(asked, operations, strict=True):
            self._apply(served, step, operation)
        self.revisions.append(served)

    def _operation(self, step: Step) -> Operation:
        version = self._latest(step.key) + 1
        match step.kind:
            case "activate":
                return Activate(names.parse_key(step.key), step.number)
            case "delete":
                return Delete(names.parse_key(step.key))
            case "seal":
                return sealed(step.key, version, number=step.number - 1)
            case _:
                return text(step.key, f"{step.key} {version}", activate=step.kind != "stage")

    def _apply(self, served: dict[str, int], step: Step, operation: Operation) -> None:
        match operation:
            case Activate():
                served[step.key] = step.number
            case Delete():
                del served[step.key]
            case _:
                version = self._latest(step.key) + 1
                self.values[step.key, version] = operation.value
                if operation.activate:
                    served[step.key] = version

    def _latest(self, key: str) -> int:
        return max((version for name, version in self.values if name == key), default=0)
