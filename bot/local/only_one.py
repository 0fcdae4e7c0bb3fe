"""One `countersign run` in a folder: a second one is told where the first one is."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from countersign.approvals.errors import CountersignError

FILE = "running.json"


class RunsAlreadyError(CountersignError):
    """Another one has the folder; `about` is what it said of itself."""

    def __init__(self, state: Path, about: Mapping[str, str]):
        lines = "".join(f"\n  {name}: {value}" for name, value in about.items())
        super().__init__(
            f"It runs in this folder already, state in {state}. Ctrl-C in its terminal ends it."
            f"{lines}"
        )


class Running:
    """The mark that it runs; gone with the process, however that ends."""

    def __init__(self, file: IO[str]):
        self._file = file

    def say(self, about: Mapping[str, str]) -> None:
        """Keep what a second one tells its person."""
        self._file.seek(0)
        self._file.truncate()
        json.dump(dict(about), self._file)
        self._file.flush()


@contextmanager
def only_one(state: Path) -> Iterator[Running]:
    """Have the folder for the time of the block. Raises RunsAlreadyError."""
    with (state / FILE).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            file.seek(0)
            raise RunsAlreadyError(state, _read(file.read())) from exc
        mark = Running(file)
        mark.say({})
        yield mark


def _read(text: str) -> Mapping[str, str]:
    try:
        found = json.loads(text)
    except ValueError:  # it is just starting
        return {}
    return {str(name): str(value) for name, value in found.items()}
