"""What the write side needs of the world; the composition in `_admin` brings the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from configsvc_client._answer import Response
from configsvc_client._credentials import Find
from configsvc_client._kms import Decrypted
from configsvc_client._ports import Clocks, Gateway
from configsvc_client._secret import Secret


class Transport(Protocol):
    """HTTP/1.1 to the API's origin; repeats a request once when a kept connection turns out to be dead."""

    def request(
        self, method: str, target: str, headers: Mapping[str, str | Secret], body: bytes | Secret, deadline: float
    ) -> Response:
        """The answer to a request for a path and query, whatever its status; the deadline is in monotonic seconds.

        Raises:
            Unavailable: no whole answer came in time.
        """


class Chance(Protocol):
    """Randomness from the operating system."""

    def nonce(self) -> bytes:
        """12 bytes, new for every seal."""

    def idempotency_key(self) -> str:
        """A new name for a write, so that it can be sent twice and done once."""

    def fraction(self) -> float:
        """A number in [0, 1), for jitter."""


class Kms(Protocol):
    """What writing asks of KMS: opening, as readers do, and one signed request of any other operation."""

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """See `configsvc_client._kms.Kms.decrypt`."""

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> Mapping[str, object]:
        """The answer's members.

        Raises:
            CannotOpen: KMS refuses, and will again.
            Unavailable: KMS did not answer or asks to try later.
        """


class Ports(NamedTuple):
    """All of them. `credentials` is asked once a signature is needed: reading needs none.

    `gateway` reads snapshots conditionally, as consumers do.
    """

    transport: Transport
    kms: Kms
    credentials: Find
    clock: Clocks
    chance: Chance
    gateway: Gateway
