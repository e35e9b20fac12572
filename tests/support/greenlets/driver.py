"""Runs pytest with everything patched by gevent, in an environment that has it: `driver.py PACKAGES ARGUMENT...`."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402  # whatever is loaded before is not patched

if __name__ == "__main__":
    sys.path.append(sys.argv[1])  # last: what this environment has of its own comes first
    import pytest

    sys.exit(pytest.main(sys.argv[2:]))
