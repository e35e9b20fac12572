"""Logs that never show a secret. Run it: python masked_logs.py"""

import logging

from configsvc_client import Config
from configsvc_client.logging import SecretFilter

config = Config()

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
for handler in logging.getLogger().handlers:  # on handlers: a filter on a logger misses the loggers below it
    handler.addFilter(SecretFilter(config))

if __name__ == "__main__":
    password = config.secret("db.password").reveal()
    logging.info("Connecting as app:%s", password)
    try:
        raise ConnectionError(f"login failed for app:{password}")
    except ConnectionError:
        logging.exception("Not connected")
