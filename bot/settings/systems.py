"""The sections of the systems in which people are asked: `teams`, and all below `connectors`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import SecretStr, ValidationError

from countersign.approvals.forms.sentences import MISSING, nearest
from countersign.approvals.models import Effect
from countersign.approvals.rules.policy import Policy
from countersign.bot.settings.secrets import secret
from countersign.bot.settings.sections import PersonSettings
from countersign.connectors.system import Configured, System

PATH = "connectors"
SECRETS = frozenset({"token", "password", "client_secret", "webhook_secret", "app_password"})
"""Keys that hold secrets: in the file with `_env` behind them, naming a variable."""
ENV = "_env"
Describe = Callable[[ValidationError, str, Any, Any], list[str]]


def read_systems(
    document: Mapping[str, Any],
    systems: Sequence[System[Any]],
    environ: Mapping[str, str],
    *,
    local: bool,
    describe: Describe,
) -> tuple[tuple[Configured, ...], list[str]]:
    """The configured systems, in the order of `systems`, and everything that is wrong with their
    sections."""
    below = document.get(PATH)
    below = {} if below is None else below
    known = [system.name for system in systems if not system.section]
    if not isinstance(below, dict):
        return (), [f"{PATH}: must map {' and '.join(known)} to their settings."]
    problems = []
    for name in sorted(set(map(str, below)) - set(known)):
        meant = nearest(name, known)
        hint = f"did you mean {meant}?" if meant else f"known are {', '.join(known)}."
        problems.append(f"{PATH}.{name}: unknown system; {hint}")
    found: list[Configured] = []
    for system in systems:
        raw = document.get(system.section) if system.section else below.get(system.name)
        if raw is None and not system.is_always_there:
            continue
        read, wrong = _read(system, {} if raw is None else raw, environ, local, describe)
        found += [read] if read is not None else []
        problems += wrong
    return tuple(found), problems


def _read(
    system: System[Any],
    raw: Any,
    environ: Mapping[str, str],
    local: bool,
    describe: Describe,
) -> tuple[Configured | None, list[str]]:
    if not isinstance(raw, dict):
        return None, [f"{system.path}: must be a mapping."]
    problems: list[str] = []
    values = _with_secrets(raw, system.path, environ, local, problems)
    if problems:
        return None, problems
    try:
        return system.configured(system.settings.model_validate(values)), []
    except ValidationError as exc:
        lines = describe(exc, system.path, values, system.settings)
        return None, [_with_env(line) for line in lines]


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
            missing = problems if name != "app_password" or raw.get("app_id") else []
            read = [_secret(str(v), where, environ, missing) for v in _listed(value)]
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


def default_channels(systems: Sequence[Configured], *, local: bool) -> tuple[str, ...]:
    """Where people are asked if their rule does not say: the first system that is used."""
    return tuple(each.name for each in systems if each.is_used(local=local))[:1] or _first(systems)


def text_channels(systems: Sequence[Configured], *, local: bool) -> tuple[str, ...]:
    """Where people are asked for free text."""
    able = [each for each in systems if each.system.takes_text]
    return default_channels(able, local=local)


def _first(systems: Sequence[Configured]) -> tuple[str, ...]:
    return tuple(each.name for each in systems)[:1]


def is_asked(policy: Policy, name: str, *, free_text: bool) -> bool:
    """Whether any rule asks in this system; `free_text` says that somebody may be asked for some,
    and that it is asked for here."""
    rules = [r for r in policy.tools.values() if r.effect is Effect.REQUIRE_APPROVAL]
    return free_text or any(name in rule.channels for rule in rules)


def channel_problems(
    policy: Policy, systems: Sequence[Configured], people: Iterable[PersonSettings]
) -> list[str]:
    """Rules whose channel is not there, or in which nobody could answer."""
    problems = []
    known = {each.name: each.system for each in systems}
    for tool, rule in policy.tools.items():
        for channel in rule.channels:
            if channel not in known:
                problems.append(
                    f"policy.tools.{tool}.channels: {channel} is not configured; add it under "
                    f"`{PATH}`, or use one of {', '.join(sorted(known))}."
                )
                continue
            if known[channel].takes_text:  # whoever has written there once can be asked
                continue
            kind = known[channel].identity
            for stage in rule.tiers():
                holders = [p for p in people if p.roles.intersection(stage.roles)]
                if not any(p.identities.get(kind) for p in holders):
                    problems.append(
                        f"policy.tools.{tool}: is asked in {channel}, but nobody with the role "
                        f"{' or '.join(stage.roles)} has a {kind} identity; add "
                        f"`identities: {{{kind}: …}}` to one of them in `people`."
                    )
    return problems
