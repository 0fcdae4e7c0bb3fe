"""What was found of the workflows counts until anything they were made of has changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from countersign.agents.classic.facts import Facts, ToolFacts, WorkflowFacts, WorkflowInfo
from countersign.approvals.models import Reversibility
from countersign.bot.settings.sections import Settings
from countersign.bot.workflows.kept_facts import KEPT, KeptFacts, cache_folder
from tests.bot.settings.test_settings import good, load

FACTS = Facts(
    workflows=(
        WorkflowFacts(
            info=WorkflowInfo(
                name="refund",
                version="1+abc",
                title="Refund",
                triggers=("refund",),
                example="refund 5",
                tools=("pay",),
                agents=("clerk",),
            ),
            tools={"pay": ToolFacts(takes={"type": "object", "properties": {}}, version="1")},
            asks={"gatekeeper": ("manager",)},
            same_bodies=(frozenset({"pay", "pay_again"}),),
            undescribed={"pay": ("amount",)},
        ),
    ),
    classes={"pay": Reversibility.IRREVERSIBLE},
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(tmp_path, good())


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module that is loaded."""
    path = tmp_path / "some_flows.py"
    path.write_text("# one")
    module = ModuleType("some_flows")
    module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "some_flows", module)
    return path


def test_facts_are_read_as_they_were_kept(tmp_path: Path, settings: Settings, flows: Path) -> None:
    folder = tmp_path / "cache"
    before = KeptFacts(folder, settings).read()
    KeptFacts(folder, settings).keep(FACTS)

    assert before is None
    assert FACTS == KeptFacts(folder, settings).read()
    assert 0o600 == next(folder.iterdir()).stat().st_mode & 0o777


def change_module(tmp_path: Path, _: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_flows.py").write_text("# another")


def touch_module(tmp_path: Path, _: pytest.MonkeyPatch) -> None:
    os.utime(tmp_path / "some_flows.py", ns=(1, 1))


def remove_module(tmp_path: Path, _: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_flows.py").unlink()


def set_variable(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_URL", "http://other")


def change_configuration(tmp_path: Path, _: pytest.MonkeyPatch) -> None:
    with (tmp_path / "countersign.yaml").open("a") as file:
        file.write("\n# changed\n")


def change_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])


def let_others_write(tmp_path: Path, _: pytest.MonkeyPatch) -> None:
    next((tmp_path / "cache").iterdir()).chmod(0o620)


def let_others_replace(tmp_path: Path, _: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").chmod(0o777)


def be_somebody_else(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)


def spoil(tmp_path: Path, _: pytest.MonkeyPatch) -> None:
    next((tmp_path / "cache").iterdir()).write_text('{"modules": []}')


@pytest.mark.parametrize(
    "change",
    [change_module, touch_module, remove_module, set_variable, change_configuration, change_path,
     let_others_write, let_others_replace, be_somebody_else, spoil],
)  # fmt: skip
def test_facts_do_not_count_once_anything_has_changed(
    tmp_path: Path,
    settings: Settings,
    flows: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    folder = tmp_path / "cache"
    KeptFacts(folder, settings).keep(FACTS)
    change(tmp_path, monkeypatch)

    assert KeptFacts(folder, settings).read() is None


def test_facts_that_were_wrong_once_are_kept_no_more(
    tmp_path: Path, settings: Settings, flows: Path
) -> None:
    """Until something changes that can be seen."""
    folder = tmp_path / "cache"
    KeptFacts(folder, settings).forget()
    next_start = KeptFacts(folder, settings)
    found = next_start.read()
    next_start.keep(FACTS)
    still = KeptFacts(folder, settings).read()
    flows.write_text("# another")
    changed = KeptFacts(folder, settings)
    changed.read()
    changed.keep(FACTS)

    assert [None, None, FACTS] == [found, still, KeptFacts(folder, settings).read()]


def test_as_many_files_are_kept_as_count(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    for number in range(KEPT + 3):
        old = folder / f"workflows-{number}.json"
        old.write_text("{}")
        os.utime(old, ns=(number, number))

    KeptFacts(folder, settings).keep(FACTS)

    assert KEPT == len(list(folder.iterdir()))
    assert FACTS == KeptFacts(folder, settings).read()


def test_server_starts_where_nothing_can_be_kept(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    nowhere = KeptFacts(tmp_path / "cache" / "countersign", settings)
    nowhere.keep(FACTS)

    assert nowhere.read() is None


def test_the_folder_is_that_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)

    assert tmp_path / "countersign" == cache_folder({"XDG_CACHE_HOME": str(tmp_path)})
    assert tmp_path / ".cache" / "countersign" == cache_folder({"XDG_CACHE_HOME": "relative"})
    assert cache_folder({}) == cache_folder({"XDG_CACHE_HOME": ""})
