"""Where databases are while they are measured: in the checkout, because a temporary directory may
be in memory, where a commit costs nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.launch import ROOT

DATA = ROOT / "bench" / ".data"


@contextmanager
def directory() -> Iterator[Path]:
    """A directory on a real disk, removed at the end."""
    DATA.mkdir(exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=DATA))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
