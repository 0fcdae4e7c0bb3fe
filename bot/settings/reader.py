"""Reads the sections of one parsed file; what is wrong is collected, and said in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import AnyHttpUrl, SecretStr

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.forms.sentences import unknown_key
from countersign.approvals.rules.policy import Policy
from countersign.bot.http.settings import LimitsSettings
from countersign.bot.settings.database import readable_on_the_way
from countersign.bot.settings.directory import DirectorySettings
from countersign.bot.settings.document import Document, cross_problems
from countersign.bot.settings.inbox import InboxSettings
from countersign.bot.settings.ledger import LedgerSettings
from countersign.bot.settings.ledger_keys import ledger_key
from countersign.bot.settings.lines import located
from countersign.bot.settings.links import LinksSettings, link_key
from countersign.bot.settings.metrics import MetricsSettings
from countersign.bot.settings.people import identity_kinds, read_people, token_of, tokens_of
from countersign.bot.settings.problems import validated
from countersign.bot.settings.run import RunSettings
from countersign.bot.settings.sampling import sample_key
from countersign.bot.settings.secrets import choose_model
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
from countersign.bot.settings.sign_in import SignInSettings
from countersign.bot.settings.systems import (
    default_channels,
    read_systems,
    text_channels,
)
from countersign.bot.settings.workflows import GROUP, installed_modules
from countersign.connectors.secrets import Reading
from countersign.connectors.system import Configured, System

T = TypeVar("T")

NO_KEY, NO_SERVER = "none", "http://no-model.invalid/v1"
"""Workflows are built with them to be looked at; nothing is asked of a model. AutoGen warns of each
agent whose key is none of OpenAI's, unless it is for another server."""
FOR_LOCAL_MODE = (
    "COUNTERSIGN_ENV: it is not set to local, so this is production, and the file has tokens of "
    "people, as only local mode allows. `countersign run` serves it on this machine, and "
    "COUNTERSIGN_ENV=local makes the other commands do the same; production wants all this:"
)
LOCAL_URL = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
SECTIONS = (
    "public_url",
    "people",
    "directory",
    "teams",
    "connectors",
    "model",
    "workflows",
    "policy",
    "limits",
    "metrics",
    "links",
    "sign_in",
    "inbox",
    "ledger",
    "app_package",
    "run",
)


class Reader:
    """One pass over one file; problems are collected until `require_sound`.

    Unless it is `complete`, nothing that only a server needs is asked for: no secret, no model, no
    database. Values that nobody knows stand for the secrets that are missing.
    """

    def __init__(
        self,
        document: dict[str, Any],
        source: str,
        process: ProcessSettings,
        environ: Mapping[str, str],
        systems: Sequence[System[Any]],
        *,
        complete: bool = True,
    ):
        self._document, self._source, self._process = document, source, process
        self._environ, self._known, self._complete = environ, systems, complete
        self.local = process.env is Mode.LOCAL
        self._reading = Reading(environ, self.local, complete)
        self.problems: list[str] = []

    def require_sound(self) -> None:
        """Raise ConfigurationError with every problem that there was."""
        if self.problems:
            raise ConfigurationError([located(self._source, problem) for problem in self.problems])

    def settings(self) -> Settings:
        """All of it, checked. Raises ConfigurationError."""
        for name in sorted(set(map(str, self._document)) - set(SECTIONS)):
            self.problems.append(f"{name}: {unknown_key(name, SECTIONS, what='section')}")
        self._database()
        public_url = self.public_url()
        people = self.people()
        before = len(self.problems)
        systems = self.systems()
        has_all_systems = len(self.problems) == before
        metrics = self.section("metrics", MetricsSettings)
        document = Document(
            local=self.local,
            public_url=public_url,
            people=tuple(people),
            tokens=tokens_of(people),
            systems=systems,
            directory=self.section("directory", DirectorySettings),
            has_all_systems=has_all_systems,
            limits=self.section("limits", LimitsSettings, {}) or LimitsSettings(),
            policy=self.policy(systems),
            asks_for_text="human_input" in (self._document.get("policy") or {}),
            model=self._model(),
            workflows=self._workflows(),
            sign_in=self.section("sign_in", SignInSettings),
        )
        link_key, sampling = self._link_key(), self._sample_key(document.policy)
        ledger = self.ledger()
        sealing_key = self._ledger_key(ledger)
        app_package = self.section("app_package", AppPackageSettings)
        inbox = self.section("inbox", InboxSettings, {}) or InboxSettings()
        run = self.section("run", RunSettings, {}) or RunSettings()
        self.problems += cross_problems(document, complete=self._complete)
        if self.problems and self._complete and not self.local and self._has_tokens():
            self.problems.insert(0, FOR_LOCAL_MODE)
        self.require_sound()
        model, workflows, policy = document.model, document.workflows, document.policy
        if policy is None or model is None or workflows is None:
            raise AssertionError("a section is missing, and no problem says so")
        return Settings(
            mode=self._process.env,
            source=self._source,
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
            directory=document.directory,
            limits=document.limits,
            metrics_token=None if metrics is None else metrics.token,
            link_key=link_key,
            sample_key=sampling,
            sign_in=document.sign_in,
            ledger_key=sealing_key,
            ledger=ledger,
            app_package=app_package,
            inbox=inbox,
            run=run,
        )

    def ledger(self) -> LedgerSettings:
        """How the ledger is signed, and what on it is private."""
        return self.section("ledger", LedgerSettings, {}) or LedgerSettings()

    def public_url(self) -> str:
        """Where people reach the server."""
        found = self.section("public_url", AnyHttpUrl, LOCAL_URL) or LOCAL_URL
        return str(found).rstrip("/")

    def people(self) -> list[PersonSettings]:
        """Everybody who can be read."""
        kinds = identity_kinds(self._known)
        return self._taken(read_people(self._document.get("people"), kinds, self._reading))

    def token(self, person_id: str) -> SecretStr | None:
        """The bearer token of one of them, also if those of the others are missing."""
        strict = Reading(self._environ, self.local)
        return self._taken(token_of(self._document.get("people"), person_id, strict))

    def _has_tokens(self) -> bool:
        """Whether people's tokens stand in the file."""
        people = self._document.get("people")
        entries = people if isinstance(people, list) else []
        return any(isinstance(each, dict) and "token" in each for each in entries)

    def systems(self) -> tuple[Configured, ...]:
        """The systems in which people are asked."""
        return self._taken(read_systems(self._document, self._known, self._reading))

    def section(self, name: str, kind: type[T], default: Any = None) -> T | None:
        """The section as `kind`; None if it is not there, or wrong: then there are problems."""
        value = self._document.get(name)
        value = default if value is None else value
        return None if value is None else self._taken(validated(name, kind, value, self._reading))

    def policy(self, systems: Sequence[Configured]) -> Policy | None:
        """The rules; None, with problems, if they cannot be read."""
        section = self._document.get("policy")
        if not isinstance(section, dict):
            self.problems.append(
                "policy: must be a mapping with `tools` or `rules`; without it no tool may run."
            )
            return None
        try:
            return Policy.load(
                section,
                channels=default_channels(systems, local=self.local),
                text_channels=text_channels(systems, local=self.local),
                proofs=self.local or self._document.get("sign_in") is not None,
            )
        except ConfigurationError as exc:
            self.problems += exc.problems
            return None

    def _taken(self, read: tuple[T, list[str]]) -> T:
        """What could be read; what could not is kept."""
        found, problems = read
        self.problems += problems
        return found

    def _database(self) -> None:
        url, private = self._process.database_url, self._process.database_private_network
        if not self._complete:
            return
        try:
            self.problems += readable_on_the_way(url, self._environ, private=private or self.local)
        except ConfigurationError as exc:
            self.problems += exc.problems

    def _model(self) -> ModelSettings | None:
        section = self.section("model", ModelSection, {})
        if section is None:
            return None
        found = choose_model(section, self._environ, local=self.local)
        if isinstance(found, str) and not self._complete:
            return ModelSettings(
                provider="openai", name=section.name, base_url=NO_SERVER, api_key=SecretStr(NO_KEY)
            )
        return self._chosen(found)

    def _link_key(self) -> SecretStr | None:
        section = self.section("links", LinksSettings)
        if not self._complete:
            return None
        return self._chosen(link_key(section, self._environ, local=self.local))

    def _ledger_key(self, section: LedgerSettings) -> SecretStr | None:
        return self._chosen(ledger_key(section, self._environ)) if self._complete else None

    def _sample_key(self, policy: Policy | None) -> SecretStr | None:
        if not self._complete or policy is None:
            return None
        return self._chosen(sample_key(policy, self._environ))

    def _chosen(self, found: T | str) -> T | None:
        """`found`, unless it is a text: that says what is wrong."""
        if isinstance(found, str):
            self.problems.append(found)
            return None
        return found

    def _workflows(self) -> WorkflowsSection | None:
        found = self.section("workflows", WorkflowsSection, {})
        modules = () if found is None else found.modules or installed_modules()
        if found is not None and not modules:
            self.problems.append(
                "workflows.modules: name at least one module that declares some; no installed "
                f"package has an entry point {GROUP} either."
            )
        return found and found.model_copy(update={"modules": modules})
