"""Loads, then polls so many times; the cloud counts."""

import sys

from configsvc_client import Config

config = Config(poll_seconds=3600.0)
config["k0"]
print(sum(config.refresh() for _ in range(int(sys.argv[1]))))
