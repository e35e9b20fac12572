"""Keyrings of namespaces for writers: list and add data keys, choose the newest and unwrap it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.due import WhyDue, find_data_key_reasons
from configsvc.model.encoding import from_base64std, to_base64std
from configsvc.model.errors import CannotOpen, Misconfigured, Unavailable
from configsvc.model.names import Kid, Namespace
from configsvc.model.snapshot import DataKey
from configsvc_client._aws.kms import extract_plaintext
from configsvc_client._opening.cipher import DATA_KEY_BYTES, Cipher, derive_kid
from configsvc_client._opening.keyring import Keyring
from configsvc_client._pin import Pin
from configsvc_client._ports import Clocks
from configsvc_client.admin.ports import WriterKms
from configsvc_client.admin.wire.api import AdminApi, ApiAnswer
from configsvc_client.admin.wire.members import AnswerMembers

KMS_SECONDS = 15.0
_STATES = ("live", "retired")

RetiredKids = Callable[[Namespace], Iterable[str]]
"""Lists the kids that the trusted policy of a namespace retires."""


def list_no_kids(namespace: Namespace) -> Iterable[str]:
    """Lists no kids: without a policy, only the service retires them."""
    del namespace
    return ()


class StoredDataKey(NamedTuple):
    """A data key as the service lists it. `revision` is the one that added it: the newest has the highest.

    `created_at` is when it was added, in RFC 3339; to wrap it again does not renew it.
    """

    data_key: DataKey
    state: str
    seals: int
    served: int
    revision: int
    created_at: str

    @property
    def kid(self) -> Kid:
        """Its identifier."""
        return self.data_key.kid

    @property
    def seals_on(self) -> bool:
        """Whether it is live and may seal more values."""
        return self.state == "live" and self.seals < limits.SEALS_PER_DATA_KEY

    def find_reasons(self, now: float) -> tuple[WhyDue, ...]:
        """Returns why it should be replaced at a time (seconds since the epoch), as upkeep reports it; else nothing."""
        if self.state != "live":
            return ()
        return find_data_key_reasons(now - datetime.fromisoformat(self.created_at).timestamp(), self.seals)


class Sealer(NamedTuple):
    """A namespace and the data key to seal its values under."""

    namespace: Namespace
    cipher: Cipher


class Keyrings:
    """The keyrings of namespaces.

    Args:
        api: lists and stores wrapped data keys.
        kms: makes them.
        keyring: unwraps them with trusted KMS keys, and caches them.
        pin: the trusted KMS keys.
        clock: sets deadlines.
        retired: lists kids that are never sealed under, whatever the service says.
    """

    def __init__(
        self,
        api: AdminApi,
        kms: WriterKms,
        keyring: Keyring,
        pin: Pin,
        clock: Clocks,
        *,
        retired: RetiredKids = list_no_kids,
    ) -> None:
        self._api = api
        self._kms = kms
        self._keyring = keyring
        self._pin = pin
        self._clock = clock
        self._retired = retired
        self._newest: dict[Namespace, DataKey] = {}
        self._passed: defaultdict[Namespace, set[Kid]] = defaultdict(set)

    def list(self, namespace: Namespace) -> list[StoredDataKey]:
        """Lists all data keys, newest first. Remembers the retired ones, so that nothing is sealed under them again."""

        def read(answer: ApiAnswer) -> tuple[StoredDataKey, ...]:
            answer.members.expect("namespace", namespace)
            return answer.members.each("data_keys", _read_data_key)

        listed = sort_newest_first(self._api.read(f"/namespaces/{namespace}/data-keys", read))
        self.pass_over(namespace, (each.kid for each in listed if each.state == "retired"))
        return listed

    def never(self, namespace: Namespace) -> frozenset[str]:
        """Lists kids to never seal under: the policy's retired ones, and those this process saw retired or replaced.

        The service is not asked: whoever can write its table could bring a data key back.
        """
        return frozenset(self._passed[namespace]) | frozenset(self._retired(namespace))

    def pass_over(self, namespace: Namespace, kids: Iterable[Kid]) -> None:
        """Stops sealing under these data keys in this process."""
        self._passed[namespace].update(kids)
        held = self._newest.get(namespace)
        if held and held.kid in self._passed[namespace]:
            self.forget(namespace)

    def kms_key(self, namespace: Namespace, listed: Iterable[StoredDataKey]) -> str:
        """Chooses the KMS key for a new data key: that of the newest live one, even if that one may not seal any more.

        Whoever can write the table decides which one is the newest, so this requires one pinned KMS key, or any.

        Raises:
            Misconfigured: several KMS keys are pinned, or there is no live data key.
        """
        if len(self._pin.arns) > 1 and not self._pin.trusts_any:
            raise Misconfigured(
                "CONFIGSVC_KMS_KEYS names several KMS keys. Choose one for the new data key with --kms-key ARN."
            )
        live = [each for each in sort_newest_first(listed) if each.state == "live"]
        return live[0].data_key.kms_key if live else choose_newest_live(namespace, live).kms_key

    def make(self, namespace: Namespace, kms_key: str) -> DataKey:
        """Has KMS make and wrap a data key. It is not stored yet, and its plaintext is dropped.

        Args:
            namespace: the namespace that it will seal for, which is also its encryption context.
            kms_key: the KMS key's ARN.

        Raises:
            CannotOpen: KMS refuses.
        """
        answer = self._kms.call(
            "GenerateDataKey",
            {"KeyId": kms_key, "KeySpec": "AES_256", "EncryptionContext": build_encryption_context(namespace)},
            self._deadline(),
        )
        return _parse_generated(answer)

    def store(self, namespace: Namespace, data_key: DataKey) -> Kid:
        """Adds a wrapped data key.

        Raises:
            ConfigsvcError: as the service answered.
        """
        read = partial(_read_done, namespace, data_key.kid)
        self._api.write("POST", f"/namespaces/{namespace}/data-keys", data_key._asdict(), read)
        self.forget(namespace)
        return data_key.kid

    def check(self, namespace: Namespace, data_key: DataKey) -> None:
        """Checks that this caller may seal under a data key, by unwrapping it.

        Raises:
            CannotOpen: KMS refuses, or its KMS key is not pinned.
            Misconfigured: no KMS key is pinned.
        """
        require_pin(self._pin)
        self._keyring.open_data_key(namespace, data_key, self._deadline())

    def forget(self, namespace: Namespace) -> None:
        """Drops the cached newest data key, so that the next seal asks for it again."""
        self._newest.pop(namespace, None)

    def replace(self, namespace: Namespace, data_key: DataKey) -> None:
        """Stores another wrapping of a data key."""
        body = {"kms_key": data_key.kms_key, "wrapped": data_key.wrapped}
        path = f"/namespaces/{namespace}/data-keys/{data_key.kid}"
        self._api.write("PUT", path, body, partial(_read_done, namespace, data_key.kid))
        self.forget(namespace)

    def retire(self, namespace: Namespace, kid: Kid) -> None:
        """Retires a data key.

        Raises:
            Conflict: served entries need it.
        """
        path = f"/namespaces/{namespace}/data-keys/{kid}/retire"
        self._api.write("POST", path, None, partial(_read_done, namespace, kid))
        self.pass_over(namespace, [kid])
        self.forget(namespace)

    def newest(self, namespace: Namespace) -> DataKey:
        """Fetches the newest live data key.

        Raises:
            Misconfigured: there is no live data key.
        """
        self._newest[namespace] = choose_newest_live(namespace, self.list(namespace), self.never(namespace))
        return self._newest[namespace]

    def sealer(self, namespace: Namespace) -> Sealer:
        """Unwraps the newest live data key. It is cached until `forget` is called or it does not unwrap.

        Raises:
            Misconfigured: there is no live data key, or no KMS key is pinned.
            CannotOpen: it does not unwrap, or is under a KMS key that is not pinned.
        """
        require_pin(self._pin)
        held = self._newest.get(namespace)
        if held:
            with suppress(CannotOpen):  # it was rewrapped since: the service has the new wrapping
                return self._sealer(namespace, held)
        return self._sealer(namespace, self.newest(namespace))

    def _sealer(self, namespace: Namespace, data_key: DataKey) -> Sealer:
        return Sealer(namespace, self._keyring.open_data_key(namespace, data_key, self._deadline()))

    def _deadline(self) -> float:
        return self._clock.now().monotonic + KMS_SECONDS


def sort_newest_first(data_keys: Iterable[StoredDataKey]) -> list[StoredDataKey]:
    """Sorts data keys by the revision that added them, newest first."""
    return sorted(data_keys, key=lambda each: each.revision, reverse=True)


def choose_newest_live(namespace: str, data_keys: Iterable[StoredDataKey], never: Container[str] = ()) -> DataKey:
    """Chooses the data key to seal under: the newest live one. If that is used up, no older one replaces it.

    Args:
        namespace: named in the error.
        data_keys: as the service lists them, in any order.
        never: kids that are never sealed under, whatever the service says.

    Raises:
        Misconfigured: there is no live data key, or the newest is used up.
    """
    live = [each for each in sort_newest_first(data_keys) if each.state == "live"]
    newest = next((each for each in live if each.kid not in never), None)
    if newest is None:
        raise Misconfigured(
            _explain_missing(namespace, live), namespace=namespace, kids=[str(each.kid) for each in live]
        )
    if not newest.seals_on:
        raise Misconfigured(
            f"The newest data key of {namespace} has sealed the maximum number of values. "
            f"Make a new one: configsvc data-key rotate -n {namespace}",
            namespace=namespace,
        )
    return newest.data_key


def _explain_missing(namespace: str, live: Sequence[StoredDataKey]) -> str:
    if not live:
        return (
            f"{namespace} has no data key to seal under. Add one: configsvc data-key add -n {namespace} --kms-key ARN"
        )
    return (
        f"The service offers only data keys of {namespace} that were retired or replaced: "
        f"{', '.join(each.kid for each in live)}. Someone may have changed its table. Nothing was sealed. Read "
        f"`configsvc log -n {namespace}`, then make a new data key: configsvc data-key rotate -n {namespace} --fresh"
    )


def require_pin(pin: Pin) -> None:
    """Checks that a KMS key is pinned, because sealing and opening must know which keys to trust.

    Raises:
        Misconfigured: no KMS key is pinned.
    """
    if not pin.arns:
        raise Misconfigured(
            "CONFIGSVC_KMS_KEYS is not set, so any KMS key could be passed off as yours. Set it to the key's ARN; "
            "`configsvc env` prints the one in use."
        )


def build_encryption_context(namespace: Namespace) -> dict[str, str]:
    """Builds the encryption context of a namespace's data keys."""
    return {"configsvc:namespace": namespace}


def _parse_generated(answer: Mapping[str, object]) -> DataKey:
    """Parses a new, wrapped data key.

    Raises:
        Unavailable: the answer of KMS is malformed.
    """
    try:
        wrapped = to_base64std(from_base64std(str(answer["CiphertextBlob"])))
        return DataKey(derive_kid(extract_plaintext(answer)), str(answer["KeyId"]), wrapped)
    except (KeyError, ValueError):
        pass  # raised below: as its context, this error could show the data key
    raise Unavailable(f"KMS answered GenerateDataKey without a key of {DATA_KEY_BYTES} bytes.")


def _read_data_key(members: AnswerMembers) -> StoredDataKey:
    data_key = DataKey(members.kid(), members.kms_key(), members.text("wrapped"))
    state, seals = members.one_of("state", _STATES), members.number_or_none("seals")
    return StoredDataKey(
        data_key, state, seals or 0, members.number("served"), members.number("revision"), members.moment("created_at")
    )


def _read_done(namespace: Namespace, kid: Kid, answer: ApiAnswer) -> None:
    """Reads the answer to a write of a data key."""
    answer.members.expect("namespace", namespace)
    answer.members.expect("kid", kid)
    answer.members.number("revision")
