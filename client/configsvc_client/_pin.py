"""The pin: the KMS keys that a reader's own configuration trusts. Without it, whoever stores a data key chooses."""

from __future__ import annotations

import re
from collections.abc import Iterable

from configsvc.model.errors import CannotOpen, Misconfigured
from configsvc.model.record import Record

ANY = "*"
_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,256}", re.ASCII)
_MULTI_REGION = r"(arn:aws[a-z-]*:kms:)[a-z0-9-]+(:[0-9]{12}:key/mrk-.+)"  # compiled on use: few need it


class Pin(Record):
    """ARNs of trusted KMS keys; `*` trusts any key."""

    arns: tuple[str, ...]

    def covers(self, arn: str) -> bool:
        """Whether a key is trusted."""
        return self.trusts_any or any(is_same_key(arn, pinned) for pinned in self.arns)

    def require_trusted(self, arn: str) -> str:
        """Returns the ARN if its key is trusted.

        Raises:
            CannotOpen: it is not trusted; the error says what to set.
        """
        if not is_key_arn(arn):
            raise CannotOpen("The KMS key is not given as a key ARN.")
        if not self.covers(arn):
            raise CannotOpen(f"CONFIGSVC_KMS_KEYS does not name {arn}. Add it if you trust that key.", kms_key=arn)
        return arn

    @property
    def trusts_any(self) -> bool:
        """Whether it trusts every KMS key."""
        return ANY in self.arns

    def find_nearest(self, arn: str, region: str | None) -> str | None:
        """Returns the pinned ARN to use for a key; None if the pin does not contain that key.

        If several replicas of a multi-Region key are pinned, it prefers the one in the given region, then the key's
        own ARN, then the first.
        """
        named = [pinned for pinned in self.arns if pinned != ANY and is_same_key(arn, pinned)]
        near = [pinned for pinned in named if parse_region(pinned) == region]
        return next(iter([*near, *(pinned for pinned in named if pinned == arn), *named]), None)

    def list_regions(self, first: str | None) -> dict[str, str | None]:
        """Returns the regions of the pinned keys, `first` first, each with its key if it has only one."""
        arns = sorted((arn for arn in self.arns if arn != ANY), key=lambda arn: parse_region(arn) != first)
        found: dict[str, str | None] = {}
        for arn in arns:
            found[parse_region(arn)] = None if parse_region(arn) in found else arn
        return found

    @property
    def only(self) -> str | None:
        """The pinned key if there is exactly one."""
        return self.arns[0] if len(self.arns) == 1 and self.arns[0] != ANY else None


def parse_pin(texts: Iterable[str]) -> Pin:
    """Parses the pin in a setting.

    Raises:
        Misconfigured: an entry is neither a key ARN nor `*`. Aliases are refused because they can be moved.
    """
    arns = tuple(texts)
    for arn in arns:
        if arn != ANY and not is_key_arn(arn):
            raise Misconfigured(
                f"CONFIGSVC_KMS_KEYS takes key ARNs (arn:aws:kms:<region>:<account>:key/<id>) or *, not {arn}."
            )
    return Pin(arns)


def is_key_arn(text: str) -> bool:
    """Whether the text is the ARN of a KMS key."""
    return _ARN.fullmatch(text) is not None


def parse_region(arn: str) -> str:
    """Returns the region in a KMS key's ARN."""
    return arn.split(":")[3]


def move_to_region(key_id: str, region: str) -> str:
    """Returns a multi-Region key's ARN in another region: replicas share account and key id."""
    return re.sub(_MULTI_REGION, rf"\g<1>{region}\g<2>", key_id) if "/mrk-" in key_id else key_id


def is_same_key(one: str, other: str) -> bool:
    """Whether two ARNs name the same key; replicas of a multi-Region key (`mrk-`) are the same key."""
    return one == other or (_without_region(one) == _without_region(other))


def _without_region(arn: str) -> str:
    return move_to_region(arn, "*")
