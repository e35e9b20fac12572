"""Runs in `.venvs/awscli`: commands of the AWS CLI, read by the CLI itself, and no request sent.

Stdin has a JSON list of commands, each a list of words without `aws`; stdout gets a JSON list of faults, an empty text
for a command that the CLI accepts. Botocore's models also list the values of enumerations, which the CLI lets pass.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any


class Sent(BaseException):
    """The command was accepted: its first request would be sent now. The CLI reports every `Exception` itself."""


def find_wrong_values(shape: Any, value: Any) -> Iterator[str]:  # noqa: ANN401  # a shape of the CLI's own botocore
    """The values that are not of their enumeration."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, each in value.items():
            yield from find_wrong_values(shape.members[name], each)
    elif shape.type_name == "list" and isinstance(value, list):
        for each in value:
            yield from find_wrong_values(shape.member, each)
    elif shape.type_name == "map" and isinstance(value, dict):
        for each in value.values():
            yield from find_wrong_values(shape.value, each)
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{value!r} is not one of {', '.join(shape.enum)}"


def check(words: list[str]) -> str:
    """Why the CLI refuses the command, or nothing."""
    driver = import_module("awscli.clidriver").create_clidriver()
    found: list[str] = []

    def look(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401  # botocore's
        if model.input_shape:
            found.extend(find_wrong_values(model.input_shape, params))

    def stop(**_: object) -> None:
        raise Sent

    driver.session.register("before-parameter-build", look)
    driver.session.register("before-call", stop)
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            driver.main(words)
        except Sent:
            return "; ".join(found)
        except SystemExit:
            pass
    return said.getvalue().rpartition("error: ")[2].strip()[:300] or "It sends nothing."


def main() -> None:
    """Check those of stdin."""
    os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="eu-west-1")
    sys.stdout.write(json.dumps([check(words) for words in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
