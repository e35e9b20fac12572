"""Whether the settings that are asked for may be."""

from __future__ import annotations

from configsvc.model import limits
from configsvc.model.entry import Form
from configsvc.model.errors import InvalidRequest, TooLarge, Unprocessable
from configsvc.model.schema import KeySchema, checked_schemas
from configsvc.model.text import check_line
from configsvc.service.ports import Schemas
from configsvc.service.records import Retention


def check_description(text: str) -> None:
    """Raises TooLarge, InvalidRequest."""
    if len(text) > limits.DESCRIPTION:
        raise TooLarge(f"A description takes {limits.DESCRIPTION} characters.", limit=limits.DESCRIPTION)
    check_line(text, "description")


def check_forms(forms: tuple[Form, ...]) -> None:
    """Raises InvalidRequest."""
    if not forms or len(set(forms)) != len(forms):
        raise InvalidRequest("forms names one form or more, and each once.", field="forms")


def check_snapshot_bytes(most: int) -> None:
    """A limit below what is served already is taken: nothing is lost, but the snapshot can only shrink then.

    Raises:
        InvalidRequest, TooLarge.
    """
    if most < 1:
        raise InvalidRequest("snapshot_bytes is 1 or more.", field="snapshot_bytes")
    if most > limits.SNAPSHOT_BYTES_MOST:
        raise TooLarge(f"snapshot_bytes is {limits.SNAPSHOT_BYTES_MOST} at most.", limit=limits.SNAPSHOT_BYTES_MOST)


def check_retention(retention: Retention) -> None:
    """Raises InvalidRequest."""
    for name, number in retention._asdict().items():
        most = limits.RETENTION_VERSIONS if name == "versions" else limits.RETENTION_DAYS
        if number is not None and not 1 <= number <= most:
            raise InvalidRequest(f"{name} is 1 to {most}, or null to keep everything.", field=f"retention.{name}")


def check_schemas(port: Schemas, schemas: tuple[KeySchema, ...]) -> None:
    """What configsvc.model.schema takes has to be a schema, too.

    Raises:
        TooLarge, Unprocessable.
    """
    for each in checked_schemas(schemas):
        fault = port.fault(each.schema)
        if fault is not None:
            raise Unprocessable(
                f"The schema for {each.keys} is no JSON Schema of draft 2020-12 at {fault or 'its top'}. Patterns take "
                "no look-around and no back-references, and format names a known format.",
                field="schemas", pointer=fault, keys=each.keys,
            )  # fmt: skip
