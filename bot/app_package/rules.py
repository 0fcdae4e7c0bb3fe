"""What is wrong with a Teams app manifest: the official schema, and the rules it leaves out.

The schema is Microsoft's own file, see schemas/README.md. Every problem names its JSON path and
what to do about it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:  # the command line has it at hand, and only `manifest pack` needs it
    from jsonschema import Draft4Validator
    from jsonschema.exceptions import ValidationError

Json: TypeAlias = Any

_VERSION = "1.25"
_SCHEMA_FILE = f"schemas/teams-manifest-{_VERSION}.json"
_UNFILLED = re.compile(r"\{\{.*?\}\}")
_NIL_GUID = "00000000-0000-0000-0000-000000000000"
_SEMVER = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}")
_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOST = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]*[a-z0-9])", re.IGNORECASE)
_FILE = "in countersign.yaml"
_ADVICE = {
    "id": f"set app_package.app_id (or teams.app_id) {_FILE} to a GUID",
    "bots[0].botId": f"set teams.app_id {_FILE} (or pass --bot-id): the app id, a GUID, of the"
    " Azure bot",
    "version": "write MAJOR.MINOR.PATCH, for example 1.4.0",
    "developer.name": f"set app_package.developer_name {_FILE}, at most 32 characters",
    "developer.websiteUrl": f"set app_package.website_url {_FILE}",
    "developer.privacyUrl": f"set app_package.privacy_url {_FILE}",
    "developer.termsOfUseUrl": f"set app_package.terms_of_use_url {_FILE}",
}
"""What to do about a place in the manifest; the settings are those of `bot.settings.sections`."""


class Problem(NamedTuple):
    """One thing to repair: a JSON path in manifest.json or a file name, and what to do."""

    path: str
    text: str


def manifest_problems(manifest: Json) -> list[Problem]:
    """Everything that would make Teams refuse this manifest, sorted by path; empty when valid."""
    upload = _upload_problems(manifest) if isinstance(manifest, dict) else ()
    found: dict[str, list[Problem]] = {}
    # One group of messages for a place is enough: the first of these three that has any.
    for problems in (_unfilled_problems(manifest, ()), _schema_problems(manifest), upload):
        known = set(found)
        for problem in problems:
            if problem.path not in known and problem not in found.setdefault(problem.path, []):
                found[problem.path].append(problem)
    return sorted(problem for group in found.values() for problem in group)


def _unfilled_problems(value: Json, at: tuple[str | int, ...]) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _unfilled_problems(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unfilled_problems(item, (*at, index))
    elif isinstance(value, str) and (match := _UNFILLED.search(value)):
        yield _advised(at, f"{match[0]} is not filled in", "write the value itself")


def _schema_problems(manifest: Json) -> Iterator[Problem]:
    from jsonschema.exceptions import best_match

    for error in _validator().iter_errors(manifest):
        leaf = best_match([error]) or error
        at = tuple(leaf.absolute_path)
        if leaf.validator == "required":
            missing = [key for key in leaf.validator_value if key not in leaf.instance]
            yield from (_advised((*at, key), "is missing") for key in missing)
        elif leaf.validator == "additionalProperties":
            unknown = [key for key in leaf.instance if key not in leaf.schema.get("properties", {})]
            text = "Teams does not know this key; remove it"
            yield from (Problem(_path((*at, key)), text) for key in unknown)
        else:
            yield _advised(at, _explained(leaf))


def _explained(error: ValidationError) -> str:
    value = json.dumps(error.instance, ensure_ascii=False)
    value = value if len(value) <= 60 else value[:60] + "…"
    if error.validator == "enum":
        allowed: Any = error.validator_value
        return f"{value} is not one of {', '.join(map(json.dumps, allowed))}"
    if error.validator == "maxLength":
        return f"{value} is longer than {error.validator_value} characters"
    if error.validator == "maxItems":
        return f"has more than {error.validator_value} entries"
    if error.validator == "pattern":
        return f"{value} does not have the right form" if error.instance else "is empty"
    return error.message if len(error.message) <= 200 else error.message[:200] + "…"


def _upload_problems(manifest: dict[str, Json]) -> Iterator[Problem]:
    """Rules that Teams applies when a package is uploaded, though its schema does not have them."""
    # The schema says so with `const`, a word that its own draft 4 does not have.
    if manifest.get("manifestVersion") != _VERSION:
        yield Problem("manifestVersion", f'is not "{_VERSION}", the version checked here; write it')
    version, developer = manifest.get("version"), manifest.get("developer")
    if not _SEMVER.fullmatch(str(version)):
        yield _advised(("version",), f"{json.dumps(version)} is no release version")
    for key, value in developer.items() if isinstance(developer, dict) else ():
        if key.endswith("Url") and not str(value).lower().startswith("https://"):
            yield _advised(("developer", key), f"{json.dumps(value)} is no https URL")
    for index, host in enumerate(_list(manifest.get("validDomains"))):
        if not _HOST.fullmatch(str(host)):
            text = f"{json.dumps(host)} is no host name; write only the public one of this server"
            yield Problem(f"validDomains[{index}]", f"{text}, for example approvals.contoso.com")
    if manifest.get("id") == _NIL_GUID:
        yield _advised(("id",), f"{_NIL_GUID} is a placeholder")
    yield from _bot_problems(manifest)


def _bot_problems(manifest: dict[str, Json]) -> Iterator[Problem]:
    bots = [bot for bot in _list(manifest.get("bots")) if isinstance(bot, dict)]
    if not bots:
        yield Problem("bots", "names no bot; approvals need one")
    for index, bot in enumerate(bots):
        if bot.get("botId") == _NIL_GUID:
            yield _advised(("bots", index, "botId"), f"{_NIL_GUID} is a placeholder")
        if not bot.get("scopes"):
            yield Problem(f"bots[{index}].scopes", 'is empty; name at least "personal"')
    # From manifest version 1.25 on an upload is refused without the first or with the second:
    # github.com/OfficeDev/microsoft-365-agents-toolkit pull 15358 and
    # github.com/MicrosoftDocs/msteams-docs pull 14609, read 2026-11-22.
    in_teams = any("team" in _list(bot.get("scopes")) for bot in bots)
    if in_teams and manifest.get("supportsChannelFeatures") != "tier1":
        yield Problem("supportsChannelFeatures", 'a bot with the scope "team" needs "tier1" here')
    if "supportedChannelTypes" in manifest:
        text = f"is refused from version {_VERSION} on; use supportsChannelFeatures"
        yield Problem("supportedChannelTypes", text)


def _advised(at: tuple[str | int, ...], text: str, otherwise: str = "") -> Problem:
    path = _path(at)
    return Problem(path, "; ".join(filter(None, (text, _ADVICE.get(path, otherwise)))))


def _path(at: tuple[str | int, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in at)
    return "".join(steps).removeprefix(".") or "manifest.json"


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


@cache
def _validator() -> Draft4Validator:
    from jsonschema import Draft4Validator

    return Draft4Validator(
        json.loads(files("countersign.bot.app_package").joinpath(_SCHEMA_FILE).read_text("utf-8"))
    )
