"""A text stream that keeps what several threads write."""

from __future__ import annotations

import io


class Texts(io.StringIO):
    """`lines` are those written so far."""

    @property
    def lines(self) -> list[str]:
        return self.getvalue().splitlines()
