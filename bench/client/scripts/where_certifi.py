"""Where certifi's bundle is."""

import json

import certifi

print(json.dumps(certifi.where()))
