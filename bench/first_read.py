"""Run in a fresh process: seconds from the import of a handler to its first read served, with the runtime preloaded."""

import importlib
import json
import sys
import time

import awslambdaric.bootstrap  # noqa: F401  # what Lambda has loaded before ours

module, event = sys.argv[1], json.loads(sys.argv[2])
began = time.perf_counter()
answer = importlib.import_module(module).app(event, None)
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "status": answer["statusCode"], "bytes": len(answer["body"])}))
