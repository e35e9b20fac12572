"""Builds what readers get by the plain model, and its cost: afresh each time, so nothing can be miscounted."""

import json
from collections.abc import Mapping

from tests.support.machines.worlds import ModelVersion, Space


def build_snapshot(
    ns: str, served: int, entries: list[tuple[str, int, ModelVersion]], space: Space
) -> dict[str, object]:
    """Builds a snapshot as the API answers it, with the present wrapping of data keys."""
    kids = sorted({value.kid for _, _, value in entries if value.kid})
    return {
        "namespace": ns,
        "revision": served,
        "data_keys": [
            {"kid": kid, "kms_key": space.data_keys[kid].kms_key, "wrapped": space.data_keys[kid].wrapped}
            for kid in kids
        ],
        "entries": [
            {
                "key": key,
                "version": version,
                "form": value.form,
                "content_type": value.content_type,
                "value": value.text,
            }
            for key, version, value in entries
        ],
    }


def build_served(ns: str, space: Space) -> dict[str, object]:
    return build_snapshot(ns, space.served, space.entries(), space)


def compute_cost(body: Mapping[str, object]) -> int:
    """Returns the bytes of the body as a JSON string inside JSON."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def exceeds_limit(ns: str, before: Space, after: Space) -> bool:
    """Whether a write makes the snapshot larger, and larger than its limit."""
    limit = before.settings.snapshot_bytes or 0
    size = compute_cost(build_served(ns, after))
    return size > limit and size > compute_cost(build_served(ns, before))
