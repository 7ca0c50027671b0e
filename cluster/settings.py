"""Settings of an installation: flags first, then ``KAIROS_*`` variables, then ``kairos.yaml``, then the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from models import limits
from models.errors import BadInput
from models.times import parse_time_ms

SETTINGS_FILE = "kairos.yaml"


class Settings(BaseSettings):
    """Every setting of ``kairos up``; an unknown key in ``kairos.yaml`` is an error."""

    model_config = SettingsConfigDict(env_prefix="KAIROS_", yaml_file=SETTINGS_FILE, extra="forbid")

    data_dir: Path = Path(".kairos")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_535)
    shards: int | None = Field(default=None, ge=1, le=limits.SHARDS_MAX, description="chosen at the first start")
    store: str = Field(default="sqlite", description="sqlite, the embedded journal")
    catalog: Path | None = None
    clock: str = Field(default="wall", description="wall, or manual:TIME")
    address: str | None = Field(default=None, description="a Ray cluster to join instead of starting one")
    scorer: Literal["serve", "in_process"] = Field(
        default="serve", description="serve: replicas that all shards ask; in_process: every shard holds the trees",
    )
    gateways: int = Field(default=1, ge=1, le=64, description="replicas of the HTTP gateway")
    resident_bytes: int = Field(default=limits.RESIDENT_BYTES_DEFAULT, ge=1024 * 1024, description="per shard")
    retention_ms: int = Field(default=limits.JOURNAL_RETENTION_MS, gt=limits.IDEMPOTENCY_MS)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("clock")
    @classmethod
    def _clock_is_known(cls, value: str) -> str:
        kind, _, start = value.partition(":")
        if value == "wall":
            return value
        if kind != "manual":
            raise ValueError("say wall, or manual:TIME as in manual:2026-11-02T18:00:00Z")
        try:
            parse_time_ms(start)
        except BadInput as error:
            raise ValueError(str(error)) from error
        return value

    @field_validator("store")
    @classmethod
    def _store_is_known(cls, value: str) -> str:
        if value != "sqlite":
            raise ValueError("this version keeps its journals in SQLite only; leave --store out")
        return value

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)

    @property
    def url(self) -> str:
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host
        return f"http://{host}:{self.port}"


def load_settings(**given: Any) -> Settings:
    """Settings from flags (None: not given) and the other sources. Raises ``BadInput`` naming each wrong one."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        errors = [{"loc": [str(part) for part in e["loc"]], "msg": e["msg"]} for e in error.errors()]
        raise BadInput(f"wrong settings (flags, KAIROS_*, {SETTINGS_FILE}):", errors) from error
