"""The gateway's proof across deployments: drawn once, kept by CloudFormation, rotated by a number in the stage file.

The proof itself is a parameter that CloudFormation shows to nobody (`NoEcho`) and a stage variable. The function, and
everything else that can be read, holds its SHA-256 only.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

_BYTES = 32
SECRET, DIGESTS, MODE, GENERATION = "GatewayProof", "GatewayProofSha256", "GatewayProofMode", "GatewayProofGeneration"
ENFORCE, OBSERVE = "enforce", "observe"

Parameters = Mapping[str, str | None]
"""Parameters of a stack; None keeps the value that the stack has."""


def draw() -> str:
    """A new proof: 32 random bytes in letters and digits, which is all that a stage variable is sure to take."""
    return secrets.token_hex(_BYTES)


@dataclass(frozen=True, slots=True)
class Proof:
    """The part of a deployment that is about the proof.

    Args:
        digests: SHA-256 of those that the function accepts, the current one first.
        mode: `enforce`, or `observe` while requests without a proof are only logged.
        generation: the stage file's number that it was drawn for.
        secret: the proof where it is a new one; None keeps the one that the stack has.
    """

    digests: tuple[str, ...]
    mode: str
    generation: int
    secret: str | None = field(repr=False)

    @property
    def shown(self) -> dict[str, str]:
        """The parameters that anyone may read; they are part of the release."""
        return {DIGESTS: ",".join(self.digests), MODE: self.mode, GENERATION: str(self.generation)}

    @property
    def parameters(self) -> Parameters:
        """All of them, the secret included."""
        return {**self.shown, SECRET: self.secret}

    @property
    def advice(self) -> str | None:
        """Say what is left to do after the deployment, if anything."""
        if self.mode == OBSERVE:
            return "Requests that bypass the API are logged and not yet refused: deploy once more to refuse them."
        if len(self.digests) > 1:
            return "The previous proof is still accepted: deploy once more to end that."
        return None


def next_proof(held: Mapping[str, str] | None, wanted: int, drawn: Callable[[], str] = draw) -> Proof:
    """The proof of the next deployment.

    A new stack enforces at once: no request can come before its stage, and the stage is made with the variable. A stack
    from before the proof observes first, because its alias moves to the new code before its stage has the variable. For
    the same reason a rotated proof and the previous one are both accepted until the next deployment.

    Args:
        held: the parameters that the stack has; None if there is no stack.
        wanted: the generation of the stage file. A lower one than the stack's rotates nothing.
        drawn: draws a new proof.
    """
    current = (held or {}).get(DIGESTS, "").partition(",")[0]
    if held is None or not current:
        secret = drawn()
        return Proof((_digest(secret),), ENFORCE if held is None else OBSERVE, wanted, secret)
    generation = int(held[GENERATION])
    if wanted > generation:
        secret = drawn()
        return Proof((_digest(secret), current), ENFORCE, wanted, secret)
    return Proof((current,), ENFORCE, generation, None)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
