"""Settings: one frozen value for each section of `countersign.yaml`.

`bot.settings.file` reads them, once, and reports every problem at once.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias, TypeVar

from pydantic import (
    AnyHttpUrl,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    InstanceOf,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from countersign.approvals.models import Delegation, Principal, PrincipalId, Value
from countersign.approvals.rules.approvers import is_asked_by
from countersign.approvals.rules.policy import Policy
from countersign.bot.http.settings import LimitsSettings
from countersign.bot.settings.directory import DirectorySettings
from countersign.bot.settings.inbox import InboxSettings
from countersign.bot.settings.ledger import LedgerSettings
from countersign.bot.settings.quiet import DigestSettings, QuietSettings
from countersign.bot.settings.run import RunSettings
from countersign.bot.settings.sign_in import OIDC, SignInSettings
from countersign.connectors.role_entries import RoleEntry, scopes_of, split
from countersign.connectors.secrets import EnvSecret, Reading, Section, named, resolved
from countersign.connectors.system import Configured, System

S = TypeVar("S", bound=BaseModel)

DEFAULT_DATABASE_URL = "sqlite:///./countersign.db"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 3978
MIN_TOKEN_LENGTH = 20
"""Characters of a bearer token in production: 120 bits if it is random base64."""

PersonId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
EnvironmentName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""The name of an environment variable; the secret itself never stands in the file."""
ModulePath: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.\w+)*$")]
"""`package.module`."""


class Mode(StrEnum):
    """`local` relaxes what only makes sense on one machine; everything else is `production`."""

    PRODUCTION = "production"
    LOCAL = "local"


class ProcessSettings(BaseSettings):
    """What the process itself is told, by environment variables."""

    model_config = SettingsConfigDict(env_prefix="COUNTERSIGN_", frozen=True)

    env: Mode = Mode.PRODUCTION
    config: Path | None = None
    database_url: str = DEFAULT_DATABASE_URL
    database_private_network: bool = False
    """Whether nobody but the database and its servers is on the network between them."""


class DelegateEntry(Value):
    """That somebody else decides for a person."""

    to: PersonId
    starts: AwareDatetime | None = None
    ends: AwareDatetime | None = None
    roles: frozenset[str] | None = Field(default=None, min_length=1)
    """Only these of the person's roles."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.starts is not None and self.ends is not None and self.ends <= self.starts:
            raise ValueError("ends before it starts")
        return self

    def given_by(self, person_id: str) -> Delegation:
        """As the domain knows it."""
        return Delegation(
            giver=PrincipalId(person_id),
            delegate=PrincipalId(self.to),
            starts_at=self.starts,
            ends_at=self.ends,
            roles=self.roles,
        )


class PersonSettings(Section):
    """One entry of `people`."""

    id: PersonId
    name: str = Field(min_length=1)
    roles: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    delegates: tuple[DelegateEntry, ...] = ()
    """Who decides for this person, and when."""
    limited: tuple[RoleEntry, ...] = ()
    """Roles that are held for some calls only; in the file they stand among `roles`."""
    groups: frozenset[str] = frozenset()
    identities: dict[str, str] = Field(default_factory=dict)
    """By the kind of identity of each system (`entra`, `jira`, …), and `email`."""
    token: EnvSecret | None = named("token", default=None)
    """The bearer token of the API."""
    quiet: QuietSettings | None = None
    """When they are not written to."""
    digest: DigestSettings | None = None
    """When they are shown what is of low risk, in one list."""
    language: Literal["en", "de"] | None = None
    """In which mail to them is written."""

    @model_validator(mode="before")
    @classmethod
    def _some_limited(cls, raw: Any) -> Any:
        return split(raw)

    @field_validator("identities")
    @classmethod
    def _lower(cls, identities: dict[str, str]) -> dict[str, str]:
        # What an issuer names people by may differ in nothing but case (OpenID Connect, `sub`).
        return {k: v.strip() if k == OIDC else v.strip().lower() for k, v in identities.items()}

    def principal(self) -> Principal:
        """The person as the domain knows them."""
        return Principal(
            id=PrincipalId(self.id),
            name=self.name,
            roles=self.all_roles,
            scopes=scopes_of(self.roles, self.limited),
            domains=self.domains,
            groups=self.groups,
            identities=dict(self.identities),
            quiet=None if self.quiet is None else self.quiet.hours,
            digest=None if self.digest is None else self.digest.times,
            language=self.language or "",
        )

    def delegations(self) -> list[Delegation]:
        """Who decides for them."""
        return [entry.given_by(self.id) for entry in self.delegates]

    @property
    def all_roles(self) -> frozenset[str]:
        """The roles that are held for any calls."""
        return self.roles | {entry.role for entry in self.limited}


class ModelSection(Value):
    """Where the agents' language model is.

    `auto` takes Azure if its two variables are set, else OpenAI if its key is set, else (local mode
    only) the scripted model at `base_url`.
    """

    provider: Literal["auto", "openai", "azure", "scripted"] = "auto"
    name: str = "gpt-4o-mini"
    base_url: AnyHttpUrl | None = None
    api_key_env: EnvironmentName | None = None
    api_version: str = "2024-10-21"
    timeout_s: int = Field(default=120, gt=0)


def _from_variable(value: Any, info: ValidationInfo) -> Any:
    """What `{env: NAME}` stands for."""
    if isinstance(info.context, Reading) and isinstance(value, dict) and set(value) == {"env"}:
        return resolved(value["env"], info)
    return value


class WorkflowsSection(Value):
    """Which modules declare workflows, and what their factories are told."""

    modules: tuple[ModulePath, ...] = ()
    """Empty: those of installed packages, see `bot.settings.workflows`."""
    settings: dict[str, Annotated[Any, BeforeValidator(_from_variable)]] = Field(
        default_factory=dict
    )
    """A value `{env: NAME}` is taken from that environment variable, as a SecretStr."""

    def secrets(self) -> tuple[SecretStr, ...]:
        """Those that came from the environment."""
        return tuple(value for value in self.settings.values() if isinstance(value, SecretStr))

    def told(self) -> dict[str, Any]:
        """What the factories are told, the secrets in it."""
        return {
            key: value.get_secret_value() if isinstance(value, SecretStr) else value
            for key, value in self.settings.items()
        }


class AppPackageSettings(Value):
    """Who offers the Teams app, as people see it there; only `manifest pack` needs it."""

    developer_name: str
    website_url: str
    privacy_url: str
    terms_of_use_url: str
    app_id: str | None = None
    """The app's own GUID; the bot's is taken if there is none."""


class ModelSettings(Value):
    """The model that was chosen, with its key."""

    provider: Literal["openai", "azure", "scripted"]
    name: str
    base_url: str | None
    api_key: SecretStr
    api_version: str | None = None
    timeout_s: int = 120


class Settings(Value):
    """Everything, checked."""

    mode: Mode
    source: str
    """The file it was read from."""
    database_url: str
    public_url: str
    people: tuple[PersonSettings, ...]
    tokens: dict[str, SecretStr]
    """Bearer tokens by person id."""
    model: ModelSettings
    workflow_modules: tuple[str, ...]
    workflow_settings: dict[str, Any] = Field(repr=False)
    workflow_secrets: tuple[SecretStr, ...] = ()
    """Those of them that came from the environment, so that no log line shows one."""
    policy: InstanceOf[Policy]
    systems: tuple[InstanceOf[Configured], ...] = ()
    """The configured systems, in the order of `bot.systems`."""
    directory: DirectorySettings | None = None
    """From where people are read besides `people`."""
    limits: LimitsSettings = LimitsSettings()
    metrics_token: SecretStr | None = None
    """What scrapers send; None lets only this machine read the metrics."""
    link_key: SecretStr | None = None
    """Signs links to the page with all of a request; None leaves that to local mode."""
    sample_key: SecretStr | None = None
    """Draws the calls of a sample; None where no rule has one."""
    sign_in: SignInSettings | None = None
    """By which issuer people sign in to the inbox."""
    ledger: LedgerSettings = LedgerSettings()
    ledger_key: SecretStr | None = None
    """Signs checkpoints of the ledger; None leaves that to others, or to local mode."""
    app_package: AppPackageSettings | None = None
    inbox: InboxSettings = InboxSettings()
    run: RunSettings = RunSettings()
    reread: Callable[[], Settings] | None = Field(default=None, repr=False, exclude=True)
    """Reads the same file again, in the same way. Raises ConfigurationError."""

    @property
    def sampling(self) -> bytes | None:
        """The key that draws the calls of a sample."""
        return None if self.sample_key is None else self.sample_key.get_secret_value().encode()

    @property
    def local(self) -> bool:
        """Whether this is one person's own machine."""
        return self.mode is Mode.LOCAL

    def section(self, kind: type[S]) -> S | None:
        """The settings of the system that has this kind of settings; None if it is not there."""
        found = (each.settings for each in self.systems)
        return next((section for section in found if isinstance(section, kind)), None)

    def approvers_in(self, system: System[Any]) -> list[Principal]:
        """Everybody who may be asked in this system and is known there, by id."""
        rules = [rule for rule in self.policy.entries.values() if system.name in rule.channels]
        stages = [stage for rule in rules for stage in rule.tiers()]
        people = [person.principal() for person in sorted(self.people, key=lambda p: p.id)]
        asked = [person for person in people if any(is_asked_by(person, each) for each in stages)]
        return [person for person in asked if person.identities.get(system.identity)]
