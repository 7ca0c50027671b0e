"""Settings of an installation: flags first, then ``KAIROS_*`` variables, then ``kairos.yaml``, then the defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from actors.access.oidc.settings import DEFAULT_ALGORITHMS, OidcSettings
from actors.postgresql.address import check_url, password_in, without_password
from actors.tracing.setting import TraceSetting, require_exporter
from models import limits
from models.errors import BadInput
from models.times import parse_time_ms

SETTINGS_FILE = "kairos.yaml"
SQLITE: Final = "sqlite"


class Settings(BaseSettings):
    """Every setting of ``kairos up``; an unknown key in ``kairos.yaml`` is an error."""

    model_config = SettingsConfigDict(env_prefix="KAIROS_", yaml_file=SETTINGS_FILE, extra="forbid")

    data_dir: Path = Path(".kairos")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_535)
    shards: int | None = Field(default=None, ge=1, le=limits.SHARDS_MAX, description="chosen at the first start")
    store: str = Field(default=SQLITE, description="sqlite, the embedded journal, or postgresql://USER@HOST/DATABASE")
    catalog: Path | None = None
    clock: str = Field(default="wall", description="wall, or manual:TIME")
    address: str | None = Field(default=None, description="a Ray cluster to join instead of starting one")
    scorer: Literal["serve", "in_process"] = Field(
        default="serve", description="serve: replicas that all shards ask; in_process: every shard holds the trees",
    )
    proxies: Literal["every", "head"] = Field(
        default="every", description="on a cluster: the nodes that listen for HTTP",
    )
    gateways: int = Field(default=1, ge=1, le=64, description="replicas of the HTTP gateway")
    console: bool = Field(default=True, description="pages for people, under /console")
    resident_bytes: int = Field(default=limits.RESIDENT_BYTES_DEFAULT, ge=1024 * 1024, description="per shard")
    retention_ms: int = Field(default=limits.JOURNAL_RETENTION_MS, gt=limits.IDEMPOTENCY_MS)
    oidc_issuer: str | None = Field(default=None, description="an OpenID Connect issuer whose tokens count beside keys")
    oidc_audience: str | None = Field(default=None, description="what its tokens must be meant for")
    oidc_jwks_url: str | None = Field(default=None, description="where its keys are, if not as its discovery says")
    oidc_algorithms: Annotated[tuple[str, ...], NoDecode] = Field(
        default=DEFAULT_ALGORITHMS, description="signatures that count; a list, or names with commas",
    )
    oidc_tenant_claim: str | None = Field(default=None, description="the claim that names the tenant; none: main")
    oidc_scope_claim: str = Field(default="scope", description="the claim that lists scopes")
    oidc_rate: float | None = Field(default=None, gt=0, description="requests per second of each subject")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log_ratio: float = Field(default=0.0, ge=0, le=1, description="share of answered requests that are logged")
    traces: str = Field(default="off", description="off, console, or otlp:URL (OTLP over HTTP)")
    trace_ratio: float = Field(default=1.0, ge=0, le=1, description="share of requests that are traced")

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

    @field_validator("traces")
    @classmethod
    def _traces_are_known(cls, value: str) -> str:
        try:
            require_exporter(TraceSetting.parse(value))
        except BadInput as error:
            raise ValueError(str(error)) from error
        return value

    @field_validator("store")
    @classmethod
    def _store_is_known(cls, value: str) -> str:
        if value == SQLITE:
            return value
        try:
            return check_url(value)
        except BadInput as error:
            raise ValueError(f"say sqlite, or an address: {error}") from error

    @field_validator("oidc_algorithms", mode="before")
    @classmethod
    def _algorithms_are_a_list(cls, value: Any) -> Any:
        return [name.strip() for name in value.split(",")] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _issuer_is_whole(self) -> Self:
        try:
            self.oidc()
        except BadInput as error:
            raise ValueError(str(error)) from error
        return self

    def oidc(self) -> OidcSettings | None:
        """Whose tokens count; None: nobody's. Raises ``BadInput``."""
        if self.oidc_issuer is None:
            return None
        return OidcSettings(
            self.oidc_issuer, self.oidc_audience or "", self.oidc_jwks_url, self.oidc_algorithms,
            self.oidc_tenant_claim, self.oidc_scope_claim, self.oidc_rate,
        )

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
    """Settings from flags (None: not given) and the other sources. Raises ``BadInput`` naming each wrong one.

    A password in the store's URL leaves the settings for this process's ``PGPASSWORD``: the processes that it starts
    inherit it, and it is in nobody's arguments. Nodes of a cluster inherit nothing from here, so there it is refused.
    """
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        errors = [{"loc": [str(part) for part in e["loc"]], "msg": e["msg"]} for e in error.errors(include_input=False)]
        raise BadInput(f"wrong settings (flags, KAIROS_*, {SETTINGS_FILE}):", errors) from error
    password = password_in(settings.store)
    if password is None:
        return settings
    if settings.address is not None:
        raise BadInput(
            "the store's URL holds a password, which the nodes of a cluster would be told in the open; leave it out "
            "and set PGPASSWORD, or PGPASSFILE, in the environment of `ray start` on every node"
        )
    os.environ["PGPASSWORD"] = password
    return settings.model_copy(update={"store": without_password(settings.store)})
