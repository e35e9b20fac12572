"""A Lambda function with CloudWatch metrics of its config: handler metrics_function.handler."""

from configsvc_client import Config
from configsvc_client.metrics import embedded

config = Config()


@config.handler
def handler(event: dict[str, str], context: object) -> str:
    print(embedded(config))  # one line in the log, from which CloudWatch makes metrics; no API call
    return str(config["log.level"])
