"""Prints the versions of the installed packages."""

import json
from importlib import metadata

print(json.dumps({found.name: found.version for found in metadata.distributions()}))
