"""The versions of what is installed here."""

import json
from importlib import metadata

print(json.dumps({found.name: found.version for found in metadata.distributions()}))
