"""Run in a fresh process: the seconds of each step from the import of the app to a warm read, the runtime preloaded."""

import importlib
import json
import sys
import time

import awslambdaric.bootstrap  # noqa: F401  # what Lambda has loaded before ours

event, steps = json.loads(sys.argv[1]), dict[str, float]()
since = time.perf_counter()


def done(step: str) -> None:
    """The step that ends here."""
    global since  # one clock
    now = time.perf_counter()
    steps[step], since = now - since, now


app = importlib.import_module("app").app
done("import the app")
for module in ("configsvc.adapters.dynamo", "configsvc.adapters.dynamo_client"):
    importlib.import_module(module)
done("import botocore's parts")
importlib.import_module("configsvc.bootstrap")._build_ports(30.0)  # noqa: SLF001  # the cached client is behind it
done("make the DynamoDB client")
answer = app(event, None)
done("first request")
event["multiValueHeaders"]["if-none-match"] = [answer["headers"].get("ETag", "")]
app(event, None)
done("a warm poll")
print(json.dumps({"steps": steps, "status": answer["statusCode"]}))
