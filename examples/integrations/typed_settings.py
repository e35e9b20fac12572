"""Typed settings with pydantic-settings. Run it: python typed_settings.py"""

from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from configsvc_client import Config
from configsvc_client.pydantic_settings import ConfigsvcSettings, ConfigsvcSettingsSource

config = Config()


class Db(BaseModel):
    url: str
    password: SecretStr
    pool: int = 5


class Settings(ConfigsvcSettings):  # a BaseSettings whose errors show no value
    db: Db  # keys db.url, db.password and db.pool, or one key db that holds a JSON object
    log_level: str = "info"  # key log.level, log_level or log-level

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, ConfigsvcSettingsSource(settings_cls, config)  # the first one wins


if __name__ == "__main__":
    settings = Settings()  # type: ignore[call-arg]  # the source fills in db
    print(settings.db.url, settings.db.pool, settings.log_level, settings.db.password)
