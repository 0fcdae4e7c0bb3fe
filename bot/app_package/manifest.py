"""Makes the app package that an administrator uploads to Teams: manifest.json and two icons.

`pack` is the whole job. It finds all problems in one go and writes nothing while there is one.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

from countersign.bot.app_package.icons import color_problems, outline_problems
from countersign.bot.app_package.rules import Json, Problem, manifest_problems

__all__ = ["Developer", "ManifestError", "Problem", "fill", "manifest_problems", "pack"]

Check: TypeAlias = Callable[[bytes], list[str]]

_MANIFEST = "manifest.json"
_ICONS: Mapping[str, Check] = {"color.png": color_problems, "outline.png": outline_problems}
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_OF_TAB = frozenset({"staticTabs", "webApplicationInfo"})
# The oldest date that a zip can hold. With stored, not deflated, members the same input gives the
# same bytes on every machine and with every zlib.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class Developer(BaseModel):
    """Who offers the app, as Teams shows it; `pack` checks the length and the https URLs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    website_url: str
    privacy_url: str
    terms_of_use_url: str


class ManifestError(ValueError):
    """The app package cannot be made; `problems` has everything that is in the way."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems and tell them, one a line."""
        self.problems = tuple(problems)
        lines = (f"  {path}: {text}" for path, text in self.problems)
        super().__init__("\n".join(("the Teams app package cannot be made:", *lines)))


def pack(
    source: Path,
    target: Path,
    *,
    app_id: str,
    bot_id: str,
    domain: str | None,
    version: str,
    developer: Developer,
    tab_client_id: str | None = None,
) -> Path:
    """Write the app package made from the folder `source` to `target`; returns `target`.

    `app_id` names the app in Teams, `bot_id` is the Microsoft app id of the Azure bot (they may be
    the same GUID), `domain` is the public host name or None. With `tab_client_id`, the application
    by which people sign in, the inbox is a personal tab. The same input gives the same bytes.
    An existing target is replaced whole or stays. Raises ManifestError with every problem found.
    """
    contents, problems = _read(source)
    for name, check in _ICONS.items():
        if name in contents:
            problems += [Problem(name, text) for text in check(contents[name])]
    values = {
        "APP_ID": app_id,
        "BOT_ID": bot_id,
        "VALID_DOMAIN": domain,
        "TAB_CLIENT_ID": tab_client_id,
        "VERSION": version,
        "DEVELOPER_NAME": developer.name,
        "DEVELOPER_WEBSITE_URL": developer.website_url,
        "DEVELOPER_PRIVACY_URL": developer.privacy_url,
        "DEVELOPER_TERMS_OF_USE_URL": developer.terms_of_use_url,
    }
    if _MANIFEST in contents:
        try:
            manifest = fill(
                _with_tab(json.loads(contents[_MANIFEST]), tab_client_id if domain else None),
                values,
            )
        except ValueError as exc:
            problems.append(Problem(_MANIFEST, f"is not JSON: {exc}"))
        else:
            problems += manifest_problems(manifest) + _icon_name_problems(manifest)
    if problems:
        raise ManifestError(problems)
    contents[_MANIFEST] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    _replace(target, _zipped(contents))
    return target


def _with_tab(template: Json, client_id: str | None) -> Json:
    """The template, without what makes a tab unless there is one."""
    if client_id is not None or not isinstance(template, dict):
        return template
    return {key: value for key, value in template.items() if key not in _OF_TAB}


def fill(template: Json, values: Mapping[str, str | None]) -> Json:
    """The template with each {{NAME}} in its texts replaced; unknown names stay as they are.

    A list entry that is only {{NAME}} is left out when the value of NAME is None. Values are put
    into parsed JSON, so no value can change its structure.
    """
    if isinstance(template, dict):
        return {key: fill(item, values) for key, item in template.items()}
    if isinstance(template, list):
        left_out = {f"{{{{{name}}}}}" for name, value in values.items() if value is None}
        kept = (item for item in template if not (isinstance(item, str) and item in left_out))
        return [fill(item, values) for item in kept]
    if isinstance(template, str):
        return _PLACEHOLDER.sub(lambda match: _value(match, values), template)
    return template


def _value(match: re.Match[str], values: Mapping[str, str | None]) -> str:
    return (values[match[1]] or "") if match[1] in values else match[0]


def _read(source: Path) -> tuple[dict[str, bytes], list[Problem]]:
    contents: dict[str, bytes] = {}
    problems = []
    for name in (_MANIFEST, *_ICONS):
        try:
            contents[name] = (source / name).read_bytes()
        except OSError as exc:
            text = f"cannot be read in {source} ({exc.strerror}); name the appPackage folder"
            problems.append(Problem(name, text))
    return contents, problems


def _icon_name_problems(manifest: Json) -> list[Problem]:
    """The manifest must name exactly the two icons that are packed."""
    icons = manifest.get("icons") if isinstance(manifest, dict) else None
    if not isinstance(icons, dict):
        return []  # the schema has said so
    packed = {"color": "color.png", "outline": "outline.png"}
    return [
        Problem(
            f"icons.{key}",
            f"{json.dumps(name)} is not packed; "
            + (f"write {json.dumps(packed[key])}" if key in packed else "remove it"),
        )
        for key, name in icons.items()
        if name != packed.get(key)
    ]


def _zipped(contents: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
        for name in (_MANIFEST, *_ICONS):
            member = zipfile.ZipInfo(name, _ZIP_DATE)
            member.create_system = 3  # Unix on every machine, so that the mode below is read
            member.external_attr = 0o644 << 16
            package.writestr(member, contents[name])
    return buffer.getvalue()


def _replace(target: Path, content: bytes) -> None:
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, target)
    except OSError as exc:
        part.unlink(missing_ok=True)
        text = f"cannot be written ({exc.strerror}); choose another --output"
        raise ManifestError([Problem(str(target), text)]) from exc
