"""A Lambda function that reads through Powertools: handler powertools_function.handler."""

from configsvc_client import Config
from configsvc_client.powertools import ConfigsvcProvider

config = Config()
parameters = ConfigsvcProvider(config)


@config.handler
def handler(event: dict[str, str], context: object) -> dict[str, object]:
    return {
        "url": parameters.get("db.url"),
        "limits": parameters.get("limits", transform="json"),
        "db": sorted(parameters.get_multiple("db")),  # without the prefix: password, pool, url
    }
