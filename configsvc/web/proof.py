"""Proof that a request came through the gateway: a secret of the stage, of which the function holds only hashes."""

from __future__ import annotations

from hashlib import sha256
from secrets import compare_digest
from typing import NamedTuple

VARIABLE = "proof"
"""The stage variable that holds it."""

_LONGEST = 128


class Proof(NamedTuple):
    """What a request must carry.

    Args:
        digests: SHA-256, in hex, of the current proof and of the previous one while both are in use.
        enforced: whether a request without it is refused; otherwise it is only logged.
    """

    digests: tuple[str, ...]
    enforced: bool

    def shown_by(self, event: object) -> bool:
        """Whether an event, of any shape, carries it. A wrong proof takes as long as the right one."""
        variables = event.get("stageVariables") if isinstance(event, dict) else None
        sent = variables.get(VARIABLE) if isinstance(variables, dict) else None
        if not isinstance(sent, str) or len(sent) > _LONGEST:
            return False
        digest = sha256(sent.encode(errors="surrogatepass")).hexdigest()
        return any([compare_digest(digest, each) for each in self.digests])  # noqa: C419  # compares with all of them
