"""Data keys: list, add, rewrap, retire, rotate."""

from __future__ import annotations

from configsvc.model import names
from configsvc.model.encoding import from_base64std, to_base64std
from configsvc.model.errors import Conflict, Misconfigured, NotFound, Unavailable
from configsvc.model.names import Kid, Namespace
from configsvc.model.snapshot import DataKey
from configsvc_client._opening.keyring import Keyring
from configsvc_client._pin import Pin, move_to_region, parse_region
from configsvc_client._ports import Clocks
from configsvc_client.admin.ports import WriterKms
from configsvc_client.admin.rotation import Rotation, RotationHook, Rotator
from configsvc_client.admin.sealing.keyrings import (
    KMS_SECONDS,
    Keyrings,
    StoredDataKey,
    build_encryption_context,
    require_pin,
)
from configsvc_client.admin.writing import Part


def _ignore_part(part: Part) -> None:
    del part


class DataKeys:
    """The data keys of namespaces.

    Args:
        keyrings: lists and stores them.
        rewrapper: wraps a data key under another KMS key.
        rotator: rotates them.
    """

    def __init__(self, keyrings: Keyrings, rewrapper: Rewrapper, rotator: Rotator) -> None:
        self._keyrings = keyrings
        self._rewrapper = rewrapper
        self._rotator = rotator

    def list(self, namespace: str) -> list[StoredDataKey]:
        """List the data keys of a namespace, wrapped, newest first."""
        return self._keyrings.list(names.parse_namespace(namespace))

    def add(self, namespace: str, kms_key: str) -> Kid:
        """Make a data key under a KMS key (its ARN) and add it; from now on new values are sealed under it."""
        return self.store(namespace, self.make(namespace, kms_key))

    def make(self, namespace: str, kms_key: str) -> DataKey:
        """Have KMS make and wrap a data key, without storing it.

        Raises:
            CannotOpen: KMS refuses.
        """
        return self._keyrings.make(names.parse_namespace(namespace), kms_key)

    def store(self, namespace: str, data_key: DataKey) -> Kid:
        """Add a data key that KMS wrapped for this namespace."""
        return self._keyrings.store(names.parse_namespace(namespace), data_key)

    def get_retired(self, namespace: str) -> frozenset[str]:
        """Return the kids that are never sealed under again: the policy's, and those that this Admin saw retired."""
        return self._keyrings.never(names.parse_namespace(namespace))

    def check(self, namespace: str) -> None:
        """Check that the caller can seal and open here: unwrap the newest live data key with kms:Decrypt, and drop it.

        Raises:
            CannotOpen: KMS refuses, or its KMS key is not pinned.
            Misconfigured: there is no data key, no KMS key is pinned, or no AWS credentials are found.
        """
        self._keyrings.sealer(names.parse_namespace(namespace))

    def rewrap(self, namespace: str, kid: str, kms_key: str) -> None:
        """Wrap a data key under another KMS key (its ARN, in the same region), or under the same one again.

        Readers must pin that KMS key first: otherwise they cannot open what is sealed under the data key.

        Raises:
            NotFound: there is no such data key.
            CannotOpen: a KMS key is not pinned, KMS refuses, or KMS returned another key.
            Conflict: the data key is retired, according to the service or the policy.
        """
        name = names.parse_namespace(namespace)
        for each in self._keyrings.list(name):
            if each.kid == kid:
                if kid in self._keyrings.never(name):
                    raise Conflict(f"The data key {kid} is retired, so it cannot be wrapped again.", kid=kid)
                made = self._rewrapper.rewrap(name, each.data_key, kms_key)
                return self._keyrings.replace(name, made)
        raise NotFound("There is no such data key.", kid=kid)

    def retire(self, namespace: str, kid: str) -> None:
        """Retire a data key: nothing is sealed under it or activated with it any more. This cannot be undone.

        Raises:
            Conflict: entries that are served need it.
        """
        self._keyrings.retire(names.parse_namespace(namespace), names.parse_kid(kid))

    def rotate(
        self,
        namespace: str,
        kms_key: str | None = None,
        message: str = "rotate",
        *,
        fresh: bool = False,
        on_part: RotationHook = _ignore_part,
    ) -> Rotation:
        """Seal everything that is served in envelopes under one new data key, and retire the others.

        Others may read and write at the same time. If a run is killed, run it again: several live data keys mean that a
        rotation was begun, and it continues with the newest. Versions that are not served are not sealed again. Under a
        retired data key they can still be read, but no longer activated.

        Args:
            namespace: the namespace.
            kms_key: the ARN of the KMS key to wrap the new data key. If left out, that of the newest data key; this
                requires that only one KMS key is pinned.
            message: for the change log.
            fresh: whether to make a new data key even if a rotation was begun.
            on_part: called for each change set that is done, and for each key that is refused.

        Raises:
            Forbidden: the caller lacks `write` or `admin`; nothing was done.
            CannotOpen: the caller may not make data keys, or may not open them; nothing was done.
            Unavailable: others wrote in every round.
            Misconfigured: there is no data key to take the KMS key from, or no KMS key is pinned.
        """
        return self._rotator.rotate(names.parse_namespace(namespace), kms_key, message, fresh=fresh, on_part=on_part)


class Rewrapper:
    """Rewraps with kms:ReEncrypt, and opens the result before anyone else depends on it.

    Args:
        kms: has both KMS keys, which must be in one region.
        pin: the KMS keys that are trusted, the new one among them.
        clock: for deadlines.
    """

    def __init__(self, kms: WriterKms, pin: Pin, clock: Clocks) -> None:
        self._kms = kms
        self._pin = pin
        self._clock = clock

    def rewrap(self, namespace: Namespace, data_key: DataKey, kms_key: str) -> DataKey:
        """Wraps the data key under a KMS key, unwraps the result once and checks it against its kid.

        Raises:
            CannotOpen: one of the KMS keys is not pinned, KMS refuses, or KMS returned another key.
            Misconfigured: no KMS key is pinned, or the KMS keys are in two regions.
        """
        require_pin(self._pin)
        context, wraps = build_encryption_context(namespace), self._pin.require_trusted(kms_key)
        wrapped = move_to_region(self._pin.require_trusted(data_key.kms_key), parse_region(wraps))
        if parse_region(wrapped) != parse_region(wraps):
            raise Misconfigured(
                f"KMS re-encrypts only within one region, but {wraps} is in another region than {wrapped}. Create a "
                f"new data key instead: configsvc data-key rotate -n {namespace} --fresh --kms-key {wraps}"
            )
        answer = self._kms.call(
            "ReEncrypt",
            {
                "CiphertextBlob": data_key.wrapped,
                "SourceKeyId": wrapped,
                "SourceEncryptionContext": context,
                "DestinationKeyId": wraps,
                "DestinationEncryptionContext": context,
            },
            self._deadline(),
        )
        made = data_key._replace(kms_key=str(answer.get("KeyId")), wrapped=_parse_blob(answer.get("CiphertextBlob")))
        # A new keyring: that of the namespace has cached this data key and would not ask KMS.
        Keyring(self._kms, self._pin, self._clock, 0).open_data_key(namespace, made, self._deadline())
        return made

    def _deadline(self) -> float:
        return self._clock.now().monotonic + KMS_SECONDS


def _parse_blob(answered: object) -> str:
    try:
        blob = from_base64std(answered if isinstance(answered, str) else "")
    except ValueError:
        blob = b""
    if not blob:
        raise Unavailable("KMS answered ReEncrypt without a ciphertext.", reason="answer")
    return to_base64std(blob)
