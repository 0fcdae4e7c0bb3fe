"""Kept: what was found of the workflows when they were last built and checked, between two starts.

A file in the user's cache folder. It counts as long as everything is as it was: the configuration,
the environment, Python, and every module that was loaded when the workflows had been built, each by
the signs by which Python itself knows that its compiled code is stale (time of change and size).
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from countersign.agents.classic.facts import Facts
from countersign.approvals.audit.canonical import sha256_hex
from countersign.bot.settings.sections import Settings

log = structlog.get_logger(__name__)

FORMAT = 1
KEPT = 16
"""Files in the folder, of as many configurations; the oldest go."""
_CHANGES_BY_ITSELF = frozenset(
    {
        "HOSTNAME",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "OLDPWD",
        "PWD",
        "SHLVL",
        "SYSTEMD_EXEC_PID",
        "_",
    }
)
"""What shells and systemd set anew each time."""


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Where programs keep what they can make again. Source: XDG Base Directory Specification 0.8,
    https://specifications.freedesktop.org/basedir-spec/ (read 2026-11-30)."""
    given = environment.get("XDG_CACHE_HOME", "")
    base = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    return base / "countersign"


class KeptFacts:
    """The facts of one configuration."""

    def __init__(self, folder: Path, settings: Settings):
        self._folder = folder
        self._path = folder / f"workflows-{_surroundings(settings)}.json"
        self._never = False

    def read(self) -> Facts | None:
        """The facts, if nothing has changed since."""
        try:
            if not (_is_ours_alone(self._folder) and _is_ours_alone(self._path)):
                return None
            kept = json.loads(self._path.read_bytes())
            if any(_signs(path) != signs for path, *signs in kept["modules"]):
                return None
            if kept["facts"] is None:
                self._never = True
                return None
            return Facts.read(kept["facts"])
        except (OSError, ValueError, KeyError, TypeError):  # there is none, or none of ours
            return None

    def keep(self, facts: Facts) -> None:
        """Remember them, now that the workflows have been built; not where that was wrong once."""
        if not self._never:
            self._write(facts.kept())

    def forget(self) -> None:
        """They were wrong though nothing had changed: something else decides what the workflows
        are. Nothing is remembered of them until something changes."""
        self._write(None)

    def _write(self, facts: Any) -> None:
        modules = list(_loaded())
        half = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(half, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
                json.dump({"modules": modules, "facts": facts}, file)
            half.replace(self._path)
            _forget_oldest(self._folder)
        except (OSError, ValueError, TypeError) as exc:
            # Only the next start takes longer for it.
            log.debug("workflows not remembered", error=str(exc))


def _surroundings(settings: Settings) -> str:
    """Names all that the workflows were built from, but for their code."""
    environment = {k: v for k, v in os.environ.items() if k not in _CHANGES_BY_ITSELF}
    model = settings.model
    known = {
        "format": FORMAT,
        "python": [sys.version, sys.prefix, sys.path],
        "environment": environment,
        "file": str(Path(settings.source).absolute()),
        "content": Path(settings.source).read_text(encoding="utf-8", errors="replace"),
        "modules": settings.workflow_modules,
        "settings": settings.workflow_settings,
        "model": [model.name, model.base_url, model.api_version, model.timeout_s],
    }
    return sha256_hex(json.dumps(known, sort_keys=True, default=str).encode())[:32]


def _loaded() -> Iterator[list[Any]]:
    """Every module of this process that came from a file, with its signs."""
    for module in list(sys.modules.values()):
        path = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(path, str) and (signs := _signs(path)):
            yield [path, *signs]


def _signs(path: str) -> list[int]:
    try:
        found = os.stat(path)
    except OSError:
        return []
    return [found.st_mtime_ns, found.st_size]


def _is_ours_alone(path: Path) -> bool:
    """Whether nobody else can have written it."""
    found = path.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob("workflows-*.json"), key=lambda each: each.stat().st_mtime_ns)
    for file in files[:-KEPT]:
        with suppress(OSError):
            file.unlink()
