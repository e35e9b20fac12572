"""Secrets that nobody has to think of."""

from __future__ import annotations

import secrets
import string

LENGTH = 32
LEAST, MOST = 12, 4096

# Letters and digits only: 32 of them are 190 bits, and no shell, URL, YAML or connection string minds them.
_ALPHABET = string.ascii_letters + string.digits


def generated(length: int = LENGTH) -> bytes:
    """A random secret of letters and digits, from the operating system's randomness."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length)).encode()
