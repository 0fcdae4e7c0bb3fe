"""Reads `countersign.yaml` once and says everything that is wrong with it in one go."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import AnyHttpUrl, SecretStr, ValidationError

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.forms.sentences import unknown_key
from countersign.approvals.rules.policy import Policy
from countersign.bot import systems as known
from countersign.bot.http.settings import LimitsSettings
from countersign.bot.settings.database import readable_on_the_way
from countersign.bot.settings.document import Document, cross_problems
from countersign.bot.settings.links import LinksSettings, link_key
from countersign.bot.settings.metrics import MetricsSettings
from countersign.bot.settings.people import identity_kinds, read_people, tokens_of
from countersign.bot.settings.problems import message, validated
from countersign.bot.settings.run import RunSettings
from countersign.bot.settings.secrets import choose_model
from countersign.bot.settings.sections import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    AppPackageSettings,
    Mode,
    ModelSection,
    ModelSettings,
    ProcessSettings,
    Settings,
    WorkflowsSection,
)
from countersign.bot.settings.systems import default_channels, read_systems, text_channels
from countersign.bot.settings.workflows import GROUP, installed_modules
from countersign.bot.settings.yaml import parse
from countersign.connectors.secrets import Reading
from countersign.connectors.system import Configured, System

T = TypeVar("T")

LOCAL_URL = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
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
        self._reading = Reading(environ, self._local)
        self.problems: list[str] = []

    def settings(self, source: str) -> Settings:
        """The checked settings. Raises ConfigurationError."""
        for name in sorted(set(map(str, self._document)) - set(SECTIONS)):
            self.problems.append(f"{name}: {unknown_key(name, SECTIONS, what='section')}")
        self._database()
        public_url = self._section("public_url", AnyHttpUrl, LOCAL_URL) or LOCAL_URL
        kinds = identity_kinds(self._known)
        people = self._taken(read_people(self._document.get("people"), kinds, self._reading))
        before = len(self.problems)
        systems = self._taken(read_systems(self._document, self._known, self._reading))
        has_all_systems = len(self.problems) == before
        metrics = self._section("metrics", MetricsSettings)
        document = Document(
            local=self._local,
            public_url=str(public_url).rstrip("/"),
            people=tuple(people),
            tokens=tokens_of(people),
            systems=systems,
            has_all_systems=has_all_systems,
            limits=self._section("limits", LimitsSettings, {}) or LimitsSettings(),
            policy=self._policy(systems),
            asks_for_text="human_input" in (self._document.get("policy") or {}),
            model=self._model(),
            workflows=self._workflows(),
        )
        link_key = self._link_key()
        app_package = self._section("app_package", AppPackageSettings)
        run = self._section("run", RunSettings, {}) or RunSettings()
        self.problems += cross_problems(document)
        model, workflows, policy = document.model, document.workflows, document.policy
        if self.problems or policy is None or model is None or workflows is None:
            raise ConfigurationError([f"{source}: {problem}" for problem in self.problems])
        return Settings(
            mode=self._process.env,
            source=source,
            database_url=self._process.database_url,
            public_url=document.public_url,
            people=document.people,
            tokens=document.tokens,
            model=model,
            workflow_modules=workflows.modules,
            workflow_settings=workflows.told(),
            workflow_secrets=workflows.secrets(),
            policy=policy,
            systems=systems,
            limits=document.limits,
            metrics_token=metrics and metrics.token,
            link_key=link_key,
            app_package=app_package,
            run=run,
        )

    def _taken(self, read: tuple[T, list[str]]) -> T:
        """What could be read; what could not is kept."""
        found, problems = read
        self.problems += problems
        return found

    def _section(self, name: str, kind: Any, default: Any = None) -> Any | None:
        """The section as `kind`; None if it is not there, or wrong: then there are problems."""
        value = self._document.get(name)
        value = default if value is None else value
        return None if value is None else self._taken(validated(name, kind, value, self._reading))

    def _database(self) -> None:
        url, private = self._process.database_url, self._process.database_private_network
        try:
            self.problems += readable_on_the_way(url, self._environ, private=private or self._local)
        except ConfigurationError as exc:
            self.problems += exc.problems

    def _model(self) -> ModelSettings | None:
        section = self._section("model", ModelSection, {})
        return section and self._chosen(choose_model(section, self._environ, local=self._local))

    def _link_key(self) -> SecretStr | None:
        section = self._section("links", LinksSettings)
        return self._chosen(link_key(section, self._environ))

    def _chosen(self, found: T | str) -> T | None:
        """`found`, unless it is a text: that says what is wrong."""
        if isinstance(found, str):
            self.problems.append(found)
            return None
        return found

    def _workflows(self) -> WorkflowsSection | None:
        found = self._section("workflows", WorkflowsSection, {})
        modules = () if found is None else found.modules or installed_modules()
        if found is not None and not modules:
            self.problems.append(
                "workflows.modules: name at least one module that declares some; no installed "
                f"package has an entry point {GROUP} either."
            )
        return found and found.model_copy(update={"modules": modules})

    def _policy(self, systems: Sequence[Configured]) -> Policy | None:
        section = self._document.get("policy")
        if not isinstance(section, dict):
            self.problems.append(
                "policy: must be a mapping with `tools`; without it no tool may run."
            )
            return None
        try:
            return Policy.load(
                section,
                channels=default_channels(systems, local=self._local),
                text_channels=text_channels(systems, local=self._local),
            )
        except ConfigurationError as exc:
            self.problems += exc.problems
            return None
