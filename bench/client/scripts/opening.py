"""In one process, data keys held: seconds to open 1,000 values of 64 bytes."""

import base64
import json
import os
import sys
import time
from collections.abc import Mapping

import aws_encryption_sdk
from aws_encryption_sdk import CommitmentPolicy
from aws_encryption_sdk.caches.local import LocalCryptoMaterialsCache
from aws_encryption_sdk.identifiers import Algorithm, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider
from aws_encryption_sdk.materials_managers.caching import CachingCryptoMaterialsManager

from bench.measure import Sample, interleave
from configsvc.model.snapshot import parse
from configsvc_client._aws.kms import Decrypted
from configsvc_client._opening.keyring import Keyring
from configsvc_client._opening.opening import OpeningRules, open_layer
from configsvc_client._pin import Pin
from configsvc_client._ports import FetchedSnapshot
from configsvc_client._secret import Secret
from configsvc_client._world import SystemClocks

VALUES = 1000
CONTEXT = {"configsvc:namespace": "bench.1000"}


class Raw(RawMasterKeyProvider):  # type: ignore[misc]  # untyped there
    """One AES-256 wrapping key in memory: no call to KMS is in the time."""

    provider_id = "bench"

    def __init__(self, **_: object) -> None:
        super().__init__()
        self._key = WrappingKey(
            WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING, bytes(32), EncryptionKeyType.SYMMETRIC
        )

    def _get_raw_key(self, key_id: object) -> WrappingKey:
        del key_id
        return self._key


def encryption_sdk(algorithm: Algorithm) -> Sample:
    """All values under one cached data key, as its caching manager is meant to be used."""
    provider = Raw()
    provider.add_master_key("bench")
    manager = CachingCryptoMaterialsManager(
        master_key_provider=provider, cache=LocalCryptoMaterialsCache(100), max_age=3600.0
    )
    client = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
    sealed = [
        client.encrypt(
            source=os.urandom(32).hex(), materials_manager=manager, encryption_context=CONTEXT, algorithm=algorithm
        )[0]
        for _ in range(VALUES)
    ]

    def sample() -> float:
        began = time.perf_counter()
        opened = [client.decrypt(source=each, materials_manager=manager)[0].decode() for each in sealed]
        seconds = time.perf_counter() - began
        assert len(opened[0]) == 64  # noqa: PLR2004, S101  # the plaintext, or we measure nothing
        return seconds

    return sample


def ours() -> Sample:
    """A snapshot as the API answered it, its data key unwrapped before."""
    clock = SystemClocks()
    rules = OpeningRules(Keyring(InMemoryKms(), Pin(("*",)), clock, 3600.0))
    found = FetchedSnapshot('"1-0a"', parse(json.loads(sys.stdin.read())))
    namespace = found.sealed.namespace

    def sample() -> float:
        began = time.perf_counter()
        layer = open_layer(namespace, found, rules, clock.now().monotonic + 60)
        seconds = time.perf_counter() - began
        assert len(layer.values) == VALUES  # noqa: S101  # all of them, or we measure nothing
        return seconds

    return sample


class InMemoryKms:
    """A KMS that returns the bench's data key, which its blob holds in the clear."""

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """The data key."""
        del context, key_id, deadline
        kms_key, _, plaintext = json.loads(ciphertext)
        return Decrypted(Secret(base64.b64decode(plaintext)), kms_key)


sides = {
    "ours": ours(),
    "sdk, signed": encryption_sdk(Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384),
    "sdk": encryption_sdk(Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY),
}
print(json.dumps(interleave(sides, int(sys.argv[1])).seconds))
