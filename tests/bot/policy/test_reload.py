"""When a changed file is taken over: once it is at rest, or at a signal."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from countersign.approvals.models import PolicySource
from countersign.bot.policy.reload import PolicyReload

pytestmark = pytest.mark.asyncio
NOBODY: Any = None


class Looked(PolicyReload):
    """Keeps what it would take over."""

    def __init__(self, path: Path):
        settings: Any = SimpleNamespace(source=str(path))
        super().__init__(settings, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY)
        self.path, self.taken = path, list[str]()
        self.meanwhile = ""

    def _read(self) -> Any:
        text = self.path.read_text()
        if self.meanwhile:
            self.path.write_text(self.meanwhile)
            self.meanwhile = ""
        return text, None

    async def _take(self, policy: Any, settings: Any, source: PolicySource) -> bool:
        self.taken.append(policy)
        return True


async def test_half_a_file_is_not_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("before")
    reload = Looked(file)
    found = [await reload.look()]
    for text in ("half", "whole", "whole", "whole"):
        file.write_text(text)
        found.append(await reload.look())

    assert [False, False, False, True, False] == found
    assert ["whole"] == reload.taken


async def test_a_file_that_comes_back_is_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("before")
    reload = Looked(file)
    for text in ("half", "before", "before"):
        file.write_text(text)
        await reload.look()

    assert [] == reload.taken


async def test_a_signal_takes_it_at_once(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("before")
    reload = Looked(file)
    file.write_text("after")

    assert await reload.look(PolicySource.SIGNAL)
    assert not await reload.look()
    assert ["after"] == reload.taken


async def test_what_is_written_while_it_is_read_comes_later(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("before")
    reload = Looked(file)
    file.write_text("half")
    await reload.look()
    reload.meanwhile = "whole"
    found = [await reload.look() for _ in range(3)]

    assert [False, False, True] == found
    assert ["whole"] == reload.taken
