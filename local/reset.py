"""`make reset`: delete the data of the local AWS."""

import shutil
import sys

from local.emulator import run_record
from local.errors import LocalError
from local.paths import Places

_GRACE = 20.0


def main() -> int:
    """Remove `.local/`, unless a running local AWS still uses it."""
    places = Places()
    try:
        run_record.recover(places.state / "run.json", _GRACE)
    except LocalError as error:
        print(f"reset: {error}", file=sys.stderr)
        return 1
    if places.data.exists():
        shutil.rmtree(places.data)
    print("Deleted the data of the local AWS. `make run` starts from scratch.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
