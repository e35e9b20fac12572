"""The writes that a machine requests, as values, so that they can be predicted, sent, and sent again."""

from hashlib import sha256
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.change_set import Activate, ChangeSet, Delete, Put
from configsvc.model.encoding import to_base64std
from configsvc.model.grants import Grant
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import DataKey
from configsvc.service.engine.ports import Caller, Idempotency, ServicePorts, WriteOutcome
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.data_keys import add_data_key, retire_data_key, rewrap_data_key
from configsvc.service.verbs.grants import delete_grants, set_grants
from configsvc.service.verbs.keys import activate_version, delete_key, destroy_version, put_key
from configsvc.service.verbs.lift import lift_namespace
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace, delete_namespace
from tests.support.service.sealed import KMS_KEY, kid


class PutKey(NamedTuple):
    ns: Namespace
    put: Put


class ChangeKeys(NamedTuple):
    ns: Namespace
    change_set: ChangeSet


class ActivateKey(NamedTuple):
    ns: Namespace
    wanted: Activate


class DeleteKey(NamedTuple):
    ns: Namespace
    wanted: Delete


class Destroy(NamedTuple):
    ns: Namespace
    key: Key
    version: int


class AddDataKey(NamedTuple):
    ns: Namespace
    number: int
    wrapping: int


class RewrapDataKey(NamedTuple):
    ns: Namespace
    number: int
    wrapping: int


class RetireDataKey(NamedTuple):
    ns: Namespace
    number: int


class SetNamespace(NamedTuple):
    ns: Namespace
    wanted: NamespaceWanted


class DeleteNamespace(NamedTuple):
    ns: Namespace


class Lift(NamedTuple):
    ns: Namespace
    revision: int


class SetGrants(NamedTuple):
    principal: str
    grants: tuple[Grant, ...]


class DeleteGrants(NamedTuple):
    principal: str


KeyWrite = PutKey | ChangeKeys | ActivateKey | DeleteKey | Destroy
DataKeyWrite = AddDataKey | RewrapDataKey | RetireDataKey
NamespaceWrite = SetNamespace | DeleteNamespace | Lift
GrantsWrite = SetGrants | DeleteGrants
RequestedWrite = KeyWrite | DataKeyWrite | NamespaceWrite | GrantsWrite

METHOD = "PUT"


class WriteRequest(NamedTuple):
    """A write, its caller, and its Idempotency-Key."""

    what: RequestedWrite
    who: Caller
    once: str | None = None

    @property
    def path(self) -> str:
        return f"{type(self.what).__name__}/{self.what[0]}"

    @property
    def digest(self) -> str:
        return sha256(repr(_strip_names(self.what)).encode()).hexdigest()


def make_data_key(number: int, wrapping: int) -> DataKey:
    """Makes a data key in one of its wrappings, which have different lengths."""
    return DataKey(kid(number), KMS_KEY, to_base64std(sha256(bytes([number, wrapping])).digest() * (2 + wrapping)))


def send(ports: ServicePorts, asked: WriteRequest) -> WriteOutcome:
    """Sends the write to the service."""
    what, who = asked.what, asked.who
    once = Idempotency(asked.once, METHOD, asked.path, asked.digest) if asked.once else None
    if isinstance(what, KeyWrite):
        return _send_keys(ports, who, what, once)
    if isinstance(what, DataKeyWrite):
        return _send_data_keys(ports, who, what, once)
    if isinstance(what, NamespaceWrite):
        return _send_namespace(ports, who, what, once)
    return _send_grants(ports, who, what, once)


def _send_keys(ports: ServicePorts, who: Caller, what: KeyWrite, once: Idempotency | None) -> WriteOutcome:
    match what:
        case PutKey(ns, wanted):
            return put_key(ports, who, ns, wanted, "why", once)
        case ChangeKeys(ns, change_set):
            return commit_change_set(ports, who, ns, change_set, once)
        case ActivateKey(ns, chosen):
            return activate_version(ports, who, ns, chosen, "why", once)
        case DeleteKey(ns, gone):
            return delete_key(ports, who, ns, gone, "why", once)
        case Destroy(ns, key, version):
            return destroy_version(ports, who, ns, key, version, once)


def _send_data_keys(ports: ServicePorts, who: Caller, what: DataKeyWrite, once: Idempotency | None) -> WriteOutcome:
    match what:
        case AddDataKey(ns, number, wrapping):
            return add_data_key(ports, who, ns, make_data_key(number, wrapping), once)
        case RewrapDataKey(ns, number, wrapping):
            return rewrap_data_key(ports, who, ns, make_data_key(number, wrapping), once)
        case RetireDataKey(ns, number):
            return retire_data_key(ports, who, ns, kid(number), once)


def _send_namespace(ports: ServicePorts, who: Caller, what: NamespaceWrite, once: Idempotency | None) -> WriteOutcome:
    match what:
        case SetNamespace(ns, wanted):
            return create_namespace(ports, who, ns, wanted, once)
        case DeleteNamespace(ns):
            return delete_namespace(ports, who, ns, once)
        case Lift(ns, revision):
            return lift_namespace(ports, who, ns, revision, once)


def _send_grants(ports: ServicePorts, who: Caller, what: GrantsWrite, once: Idempotency | None) -> WriteOutcome:
    match what:
        case SetGrants(principal, grants):
            return set_grants(ports, who, principal, grants, once)
        case DeleteGrants(principal):
            return delete_grants(ports, who, principal, once)


def _strip_names(value: object) -> object:
    """Strips the names of tuples, because they hide values."""
    return tuple(_strip_names(each) for each in value) if isinstance(value, tuple) else value


def make_key(number: int) -> names.Key:
    return names.parse_key("abcd"[number])
