"""`python -m infra.findings TEMPLATE…`: run the linters and compare with accepted.toml; `make check` calls it."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.findings.accepted import ListError, compare, parse
from infra.findings.policies import UnknownArn
from infra.findings.tools import LinterFailed, find_all, name_template

ACCEPTED = Path(__file__).with_name("accepted.toml")


def main(arguments: list[str] | None = None) -> int:
    paths = [Path(each).resolve() for each in (sys.argv[1:] if arguments is None else arguments)]
    try:
        accepted = parse(ACCEPTED.read_text())
        complaints = compare(find_all(paths), accepted, {name_template(path) for path in paths})
    except (LinterFailed, ListError, UnknownArn) as error:
        print(error, file=sys.stderr)
        return 1
    for each in complaints:
        print(each)
    if complaints:
        print(
            f"Fix what is not accepted, or add it to {ACCEPTED.name} with its reason. Remove what is no longer found."
        )
        return 1
    print(f"cfn-lint, checkov and parliament find nothing in {len(paths)} templates but what is accepted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
