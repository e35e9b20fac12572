"""Dynaconf with configsvc as a loader. Run it: python dynaconf_settings.py"""

from dynaconf import Dynaconf

settings = Dynaconf(
    loaders=[
        "configsvc_client.dynaconf.loader",
        "dynaconf.loaders.env_loader",  # the last one wins: DYNACONF_LOG__LEVEL=debug overrides the key log.level
    ],
)

if __name__ == "__main__":
    print(settings.db.url, settings.db.pool, settings.log.level)
