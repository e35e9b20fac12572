"""Values that must not leak, and whether a text holds any of them in any spelling."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from tests.support.client.sealing import DATA_KEY

VALUE = "value-canary-31415926"
IN_JSON = "json-canary-66260701"
BY_KMS = "kms-canary-60221407"
PLAIN = "plain-canary-13806490"
API_KEY = "apikey-canary-27182818"
OTHER_API_KEY = "otherapikey-canary-24142135"
SECRET_KEY = "secretkey-canary-16180339"
SESSION = "session-canary-14142135"
CONTAINER = "container-canary-17320508"
PROXY = "proxy-canary-22360679"

OWN = "own-variable-57721566"
"""Of the caller's own, in the same frames: it must be shown, or the test looks at nothing."""

_TEXTS = (VALUE, IN_JSON, BY_KMS, PLAIN, API_KEY, OTHER_API_KEY, SECRET_KEY, SESSION, CONTAINER, PROXY)
_SHORTEST = 12
"""Characters of a canary that are enough to be one: what shows variables cuts them."""


def leaked(text: str) -> list[str]:
    """The canaries that a text shows, whole or their beginning, as they are or in base64."""
    return sorted({canary for canary, spelt in _spellings() if spelt in text})


def _spellings() -> Iterator[tuple[str, str]]:
    for canary in _TEXTS:
        yield canary, canary[:_SHORTEST]
        for shift in range(3):  # base64 of a longer text spells what is in it in one of three ways
            encoded = base64.b64encode(b"\0" * shift + canary.encode()).decode()
            yield canary, encoded[4:-4]
    yield "the data key", base64.b64encode(DATA_KEY).decode()[:20]
    yield "the data key", repr(DATA_KEY)[2:22]
    yield "the data key", repr(repr(DATA_KEY))[3:22]
    yield "the data key", DATA_KEY.hex()[:20]
