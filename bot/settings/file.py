"""Reads `countersign.yaml` once and says everything that is wrong with it in one go."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import AnyHttpUrl, SecretStr, TypeAdapter, ValidationError

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.rules.authority import OWNER_ROLE
from countersign.approvals.rules.policy import Policy
from countersign.bot import systems as known
from countersign.bot.http.settings import LimitsSettings
from countersign.bot.settings.database import readable_on_the_way
from countersign.bot.settings.links import LinksSettings, link_key
from countersign.bot.settings.metrics import MetricsSettings, metrics_token
from countersign.bot.settings.people import identity_kinds, read_people, read_tokens
from countersign.bot.settings.problems import message, problems_of
from countersign.bot.settings.production import insecure
from countersign.bot.settings.run import RunSettings
from countersign.bot.settings.secrets import choose_model, secret
from countersign.bot.settings.sections import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    AppPackageSettings,
    Mode,
    ModelSection,
    ModelSettings,
    PersonSettings,
    ProcessSettings,
    Settings,
    WorkflowsSection,
)
from countersign.bot.settings.systems import (
    channel_problems,
    default_channels,
    is_asked,
    read_systems,
    text_channels,
)
from countersign.bot.settings.workflows import GROUP, installed_modules
from countersign.bot.settings.yaml import parse
from countersign.connectors.system import Configured, Situation, System

T = TypeVar("T")

DEFAULT_FILE = Path("countersign.yaml")
SECTIONS = (
    "public_url",
    "people",
    "teams",
    "connectors",
    "model",
    "workflows",
    "policy",
    "limits",
    "metrics",
    "links",
    "app_package",
    "run",
)
Adjust = Callable[[dict[str, Any]], None]


def process_settings() -> ProcessSettings:
    """The COUNTERSIGN_ variables. Raises ConfigurationError naming the variable."""
    try:
        return ProcessSettings()
    except ValidationError as exc:
        raise ConfigurationError(
            [f"COUNTERSIGN_{str(e['loc'][0]).upper()}: {message(e)}" for e in exc.errors()]
        ) from exc


def find(config: Path | None, process: ProcessSettings) -> Path:
    """The file to read: `--config`, else COUNTERSIGN_CONFIG, else ./countersign.yaml."""
    path = config or process.config or DEFAULT_FILE
    if not path.is_file():
        raise ConfigurationError(
            [f"{path}: there is no such file; pass --config FILE or set COUNTERSIGN_CONFIG."]
        )
    return path


def load_settings(
    config: Path | None = None,
    *,
    process: ProcessSettings | None = None,
    environ: Mapping[str, str] | None = None,
    adjust: Adjust | None = None,
    systems: Sequence[System[Any]] | None = None,
) -> Settings:
    """Read the file and the environment. `adjust` may change the parsed file first (the demo does);
    `systems` are those that there may be, else all of `bot.systems`.

    Raises ConfigurationError with every problem.
    """
    process = process or process_settings()
    path = find(config, process)
    document = parse(path)
    if adjust is not None:
        adjust(document)
    reader = _Reader(
        document, process, os.environ if environ is None else environ, systems or known.SYSTEMS
    )
    return reader.settings(str(path))


class _Reader:
    """One pass over one document; problems are collected, never raised, until the end."""

    def __init__(
        self,
        document: dict[str, Any],
        process: ProcessSettings,
        environ: Mapping[str, str],
        systems: Sequence[System[Any]],
    ):
        self._document, self._process, self._environ = document, process, environ
        self._known = systems
        self._local = process.env is Mode.LOCAL
        self._workflow_secrets: list[SecretStr] = []
        self.problems: list[str] = []

    def settings(self, source: str) -> Settings:
        """The checked settings. Raises ConfigurationError."""
        for name in sorted(set(map(str, self._document)) - set(SECTIONS)):
            self.problems.append(f"{name}: unknown section; known are {', '.join(SECTIONS)}.")
        self._database()
        public_url = self._public_url()
        people, wrong = read_people(self._document.get("people"), identity_kinds(self._known))
        self.problems += wrong
        tokens, wrong = read_tokens(people, self._environ, local=self._local)
        self.problems += wrong
        model = self._model()
        workflows = self._workflows()
        systems, wrong = read_systems(
            self._document,
            self._known,
            self._environ,
            local=self._local,
            describe=problems_of,
        )
        self.problems += wrong
        policy = self._policy(people, systems)
        if policy is not None and not wrong:
            self.problems += channel_problems(policy, systems, people)
        self._systems(systems, people, policy)
        app_package = self._section("app_package", AppPackageSettings, None)
        run = self._section("run", RunSettings, RunSettings()) or RunSettings()
        limits = self._section("limits", LimitsSettings, LimitsSettings()) or LimitsSettings()
        metrics = self._metrics_token()
        key = self._link_key()
        if not self._local:
            self.problems += insecure(
                public_url=public_url,
                tokens=tokens,
                systems=systems,
                model=model,
                limits=limits,
                workflow_settings=self._workflow_document(),
            )
        if self.problems or policy is None or model is None or workflows is None:
            raise ConfigurationError([f"{source}: {problem}" for problem in self.problems])
        return Settings(
            mode=self._process.env,
            source=source,
            database_url=self._process.database_url,
            public_url=public_url,
            people=tuple(people),
            tokens=tokens,
            model=model,
            workflow_modules=workflows.modules,
            workflow_settings=workflows.settings,
            workflow_secrets=tuple(self._workflow_secrets),
            policy=policy,
            systems=systems,
            limits=limits,
            metrics_token=metrics,
            link_key=key,
            app_package=app_package,
            run=run,
        )

    def _section(self, name: str, kind: Any, default: T) -> Any | T | None:
        """The section as `kind`; None if it is wrong (and then there are problems)."""
        value = self._document.get(name)
        if value is None:
            return default
        return self._validated(name, kind, value)

    def _validated(self, path: str, kind: Any, value: Any) -> Any | None:
        try:
            return TypeAdapter(kind).validate_python(value)
        except ValidationError as exc:
            self.problems += problems_of(exc, path, value, kind)
            return None

    def _database(self) -> None:
        url, private = self._process.database_url, self._process.database_private_network
        try:
            self.problems += readable_on_the_way(url, self._environ, private=private or self._local)
        except ConfigurationError as exc:
            self.problems += exc.problems

    def _public_url(self) -> str:
        url = self._section("public_url", AnyHttpUrl, f"http://{DEFAULT_HOST}:{DEFAULT_PORT}")
        return str(url).rstrip("/")

    def _model(self) -> ModelSettings | None:
        section = self._section("model", ModelSection, ModelSection())
        if section is None:
            return None
        chosen = choose_model(section, self._environ, local=self._local)
        if isinstance(chosen, str):
            self.problems.append(chosen)
            return None
        return chosen

    def _metrics_token(self) -> SecretStr | None:
        section = self._section("metrics", MetricsSettings, None)
        token = metrics_token(section, self._environ, local=self._local)
        if isinstance(token, str):
            self.problems.append(token)
            return None
        return token

    def _link_key(self) -> SecretStr | None:
        section = self._section("links", LinksSettings, None)
        key = link_key(section, self._environ)
        if isinstance(key, str):
            self.problems.append(key)
            return None
        return key

    def _workflows(self) -> WorkflowsSection | None:
        found = self._section("workflows", WorkflowsSection, WorkflowsSection())
        if found is None:
            return None
        modules = found.modules or installed_modules()
        if not modules:
            self.problems.append(
                "workflows.modules: name at least one module that declares some; no installed "
                f"package has an entry point {GROUP} either."
            )
            return None
        settings = {}
        for key, value in found.settings.items():
            if isinstance(value, dict) and set(value) == {"env"}:
                given = secret(str(value["env"]), self._environ)
                if given is None:
                    self.problems.append(
                        f"workflows.settings.{key}: the environment variable {value['env']} is not "
                        "set; export it."
                    )
                self._workflow_secrets += [given] if given else []
                value = given and given.get_secret_value()
            settings[key] = value
        return WorkflowsSection(modules=modules, settings=settings)

    def _workflow_document(self) -> dict[str, Any]:
        """The settings of the workflows as they stand in the file."""
        section = self._document.get("workflows")
        found = section.get("settings") if isinstance(section, dict) else None
        return found if isinstance(found, dict) else {}

    def _policy(self, people: list[PersonSettings], systems: Sequence[Configured]) -> Policy | None:
        section = self._document.get("policy")
        if not isinstance(section, dict):
            self.problems.append(
                "policy: must be a mapping with `tools`; without it no tool may run."
            )
            return None
        try:
            policy = Policy.load(
                section,
                channels=default_channels(systems, local=self._local),
                text_channels=text_channels(systems, local=self._local),
            )
        except ConfigurationError as exc:
            self.problems += exc.problems
            return None
        for tool, rule in policy.tools.items():
            for stage in rule.tiers():
                holders = [p.id for p in people if p.roles.intersection(stage.roles)]
                if OWNER_ROLE not in stage.roles and len(holders) < stage.quorum:
                    self.problems.append(
                        f"policy.tools.{tool}: needs {stage.quorum} of {' or '.join(stage.roles)}, "
                        f"but people has {len(holders)} with such a role; nobody could approve it."
                    )
        return policy

    def _systems(
        self, systems: Iterable[Configured], people: Iterable[PersonSettings], policy: Policy | None
    ) -> None:
        """What of the systems does not fit to the rest."""
        ids = frozenset(person.id for person in people)
        has_text = "human_input" in (self._document.get("policy") or {})
        for each in systems:
            asked = policy is not None and is_asked(
                policy, each.name, free_text=has_text and each.name in policy.text_channels
            )
            situation = Situation(local=self._local, people=ids, asked=asked)
            self.problems += each.problems(situation)
