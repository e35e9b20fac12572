"""So many items of credstash's table, sealed by credstash itself under a data key each, as DynamoDB answers them."""

import base64
import json
import os
import sys
from typing import Any

import credstash

KMS_KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


class KeyService:
    """Wraps as the stub of KMS unwraps."""

    def generate_key_data(self, size: int) -> tuple[bytes, bytes]:
        """A data key, and its blob."""
        key = os.urandom(size)
        return key, json.dumps([KMS_KEY, {}, base64.b64encode(key).decode()]).encode()


def item(number: int) -> dict[str, Any]:
    """One secret at version 1."""
    sealed = credstash.seal_aes_ctr_legacy(KeyService(), str(number).rjust(64, "v"))
    texts = {"name": f"k{number}", "version": credstash.paddedInt(1), "key": sealed["key"]}
    texts |= {"contents": sealed["contents"], "digest": sealed["digest"]}
    binary = {"hmac": {"B": base64.b64encode(sealed["hmac"]).decode()}}
    return {name: {"S": text} for name, text in texts.items()} | binary


print(json.dumps([item(number) for number in range(int(sys.argv[1]))]))
