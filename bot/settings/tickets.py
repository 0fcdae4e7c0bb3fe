"""The `connectors` section: the systems in which people decide by answering a ticket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr, ValidationError

from countersign.approvals.forms.sentences import MISSING
from countersign.approvals.models import Value
from countersign.approvals.rules.policy import Policy
from countersign.bot.settings.secrets import secret
from countersign.bot.settings.sections import ConnectorSettings, PersonSettings
from countersign.connectors.jira.settings import JiraSettings
from countersign.connectors.servicenow.settings import ServiceNowSettings

PATH = "connectors"
SECRETS = frozenset({"token", "password", "client_secret", "webhook_secret"})
"""Keys that hold secrets: in the file with `_env` behind them, naming a variable."""
ENV = "_env"


KINDS: dict[str, type[Value]] = {"jira": JiraSettings, "servicenow": ServiceNowSettings}


def read_connectors(
    section: Any,
    environ: Mapping[str, str],
    *,
    local: bool,
    describe: Callable[[ValidationError, str, Any, Any], list[str]],
) -> tuple[ConnectorSettings, list[str]]:
    """The section and everything that is wrong with it."""
    if section is None:
        return ConnectorSettings(), []
    if not isinstance(section, dict):
        return ConnectorSettings(), [f"{PATH}: must map jira and servicenow to their settings."]
    problems = [
        f"{PATH}.{name}: unknown system; known are {', '.join(KINDS)}."
        for name in sorted(set(map(str, section)) - set(KINDS))
    ]
    found: dict[str, Any] = {}
    for name, kind in KINDS.items():
        raw = section.get(name)
        if raw is None:
            continue
        if not isinstance(raw, dict):
            problems.append(f"{PATH}.{name}: must be a mapping.")
            continue
        path = f"{PATH}.{name}"
        before = len(problems)
        values = _with_secrets(raw, path, environ, local, problems)
        if len(problems) > before:
            continue
        try:
            found[name] = kind.model_validate(values)
        except ValidationError as exc:
            problems += [_with_env(line) for line in describe(exc, path, values, kind)]
    return ConnectorSettings(**found), problems


def _with_env(line: str) -> str:
    """The line with the key that is missing as it would stand in the file."""
    path, _, said = line.partition(": ")
    name = path.rpartition(".")[2]
    return f"{path}{ENV}: {said}" if name in SECRETS and said == f"{MISSING}." else line


def _with_secrets(
    raw: Mapping[str, Any],
    path: str,
    environ: Mapping[str, str],
    local: bool,
    problems: list[str],
) -> dict[str, Any]:
    """`raw` with every `…_env` replaced by the secret that the variable holds."""
    values: dict[str, Any] = {}
    for key, value in raw.items():
        where = f"{path}.{key}"
        name = str(key).removesuffix(ENV)
        if name in SECRETS and name != key:
            read = [_secret(str(v), where, environ, problems) for v in _listed(value)]
            _put(values, name, [s for s in read if s is not None])
        elif key in SECRETS and not local:
            problems.append(
                f"{where}: secrets never stand here; put it into an environment variable and name "
                f"that in {key}{ENV}."
            )
        elif key in SECRETS:
            _put(values, name, [SecretStr(str(v)) for v in _listed(value)])
        elif isinstance(value, dict) and key == "auth":
            values[key] = _with_secrets(value, where, environ, local, problems)
        else:
            values[key] = value
    return values


def _put(values: dict[str, Any], name: str, secrets: list[SecretStr]) -> None:
    if name == "webhook_secret":  # several while one is replaced by the next
        values["webhook_secrets"] = tuple(secrets)
    elif secrets:
        values[name] = secrets[0]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _secret(
    variable: str, where: str, environ: Mapping[str, str], problems: list[str]
) -> SecretStr | None:
    found = secret(variable, environ)
    if found is None:
        problems.append(f"{where}: the environment variable {variable} is not set; export it.")
    return found


def channel_problems(
    policy: Policy, connectors: ConnectorSettings, people: list[PersonSettings]
) -> list[str]:
    """Rules whose channel is not there, or in which nobody could answer."""
    problems = []
    known = {"teams", *connectors.names}
    for tool, rule in policy.tools.items():
        for channel in rule.channels:
            if channel not in known:
                problems.append(
                    f"policy.tools.{tool}.channels: {channel} is not configured; add it under "
                    f"`{PATH}`, or use one of {', '.join(sorted(known))}."
                )
                continue
            if channel == "teams":
                continue
            for stage in rule.tiers():
                holders = [p for p in people if p.roles.intersection(stage.roles)]
                if not any(p.identities.get(channel) for p in holders):  # type: ignore[call-overload]
                    problems.append(
                        f"policy.tools.{tool}: is asked in {channel}, but nobody with the role "
                        f"{' or '.join(stage.roles)} has a {channel} identity; add "
                        f"`identities: {{{channel}: …}}` to one of them in `people`."
                    )
    return problems
