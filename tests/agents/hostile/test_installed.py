"""A workflow in `site-packages`, as in every container, is guarded like one in a folder."""

from __future__ import annotations

import importlib
import sys
import sysconfig
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from itertools import chain, count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from autogen import ConversableAgent

from countersign import Chat, Registry, WorkflowContext
from countersign.agents.classic.reach import reach
from countersign.agents.guard import libraries
from countersign.agents.guard.libraries import is_a_librarys
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import SessionStatus
from tests.agents.hostile.at_start import executing
from tests.agents.hostile.frame import DONE, Effect, attempts, gatekeeper, running, speaker

HELPER = """
class Holder:
    def __init__(self, kept):
        self.kept = kept

def runs(code):
    def reply(*_, **__):
        exec(code)
        return True, "done TERMINATE"
    return reply

class Reply:
    def __init__(self, code):
        self.code = code
    def __call__(self, *_, **__):
        exec(self.code)
        return True, "done TERMINATE"
"""
ENTRY = """
from countersign import Chat, workflow
from tests.agents.hostile.frame import gatekeeper, speaker

@workflow("flow", "1", "A flow", mode="sync")
def flow(context):
    return Chat(gatekeeper(), speaker())
"""
_NUMBERS = count()
Install = Callable[..., list[ModuleType]]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Modules of one distribution, or of none, as they are once they are installed."""
    names: list[str] = []

    def put(*texts: str, is_distributed: bool = True) -> list[ModuleType]:
        number = next(_NUMBERS)
        new = [f"acme_{number}_{place}" for place in range(len(texts))]
        if is_distributed:
            site = tmp_path / f"site{number}"
            described = site / f"acme_{number}-1.0.dist-info"
            described.mkdir(parents=True)
            (described / "METADATA").write_text(f"Name: acme-{number}\nVersion: 1.0\n")
            (described / "top_level.txt").write_text("\n".join(new))
            monkeypatch.syspath_prepend(str(site))
        names.extend(new)
        return [_module(name, text) for name, text in zip(new, texts, strict=True)]

    yield put
    for name in names:
        del sys.modules[name]


def _module(name: str, text: str) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = f"{sysconfig.get_path('purelib')}/{name}/__init__.py"
    sys.modules[name] = module
    exec(compile(text, module.__file__, "exec"), vars(module))  # noqa: S102
    return module


def replying_with(make: Callable[[str], Any]) -> Callable[[WorkflowContext, Effect], Chat]:
    def build(_: WorkflowContext, effect: Effect) -> Chat:
        worker = speaker()
        worker.register_reply(lambda _: True, make(effect.code))
        return Chat(gatekeeper(), worker)

    return build


@pytest.mark.parametrize("is_distributed", [True, False])
@pytest.mark.parametrize("kind", ["runs", "Reply"])
async def test_what_it_registers_is_not_a_librarys(
    install: Install, kind: str, is_distributed: bool, tmp_path: Path
) -> None:
    """Whichever distribution it comes from."""
    (helper,) = install(HELPER, is_distributed=is_distributed)
    effect = Effect(tmp_path / "effect")
    async with running(replying_with(getattr(helper, kind)), effect, tmp_path) as one:
        session = await one.run()
        recorded = await attempts(one)

    assert not effect.happened
    assert SessionStatus.FAILED is session.status
    assert "execute code (by exec or eval)" in (session.error or "")
    assert 1 == len(recorded)


def test_the_interpreter_is_watched_because_of_it(install: Install, tmp_path: Path) -> None:
    (helper,) = install(HELPER)
    reach([speaker()])
    assert is_a_librarys(helper.__name__)
    chat = replying_with(helper.runs)(WorkflowContext({}), Effect(tmp_path / "effect"))

    assert [f"{helper.__name__}.runs.<locals>.reply"] == reach(chat.agents).code


@pytest.mark.parametrize("place", [0, 1])
def test_a_module_of_workflows_is_not_a_librarys(install: Install, place: int) -> None:
    """Nor is another package that was installed together with it."""
    modules = install(ENTRY, HELPER)
    name = modules[place].__name__
    registry = Registry(WorkflowContext({}))
    (other,) = install(HELPER)
    registry.load(modules[0].__name__)

    assert not is_a_librarys(name)
    assert is_a_librarys(other.__name__)


def test_a_module_that_only_names_workflows_of_others_is_none_either(install: Install) -> None:
    (entry,) = install(ENTRY)
    (names,) = install(f"from {entry.__name__} import flow")
    Registry(WorkflowContext({})).load(names.__name__)

    assert not is_a_librarys(names.__name__)
    assert not is_a_librarys(entry.__name__)


def test_what_is_in_no_distribution_is_not_a_librarys(install: Install) -> None:
    """It was copied there."""
    (helper,) = install(HELPER, is_distributed=False)
    reach([speaker()])

    assert not is_a_librarys(helper.__name__)


def test_an_agent_that_its_objects_keep_is_found(install: Install, tmp_path: Path) -> None:
    entry, helper = install(ENTRY, HELPER)
    effect = Effect(tmp_path / "effect")

    def flow(_: WorkflowContext) -> Chat:
        worker, holder = speaker(), helper.Holder(executing(effect))

        def reply(*_: Any, **__: Any) -> tuple[bool, str]:
            return True, f"{holder} {DONE}"

        worker.register_reply(lambda _: True, reply)
        return Chat(gatekeeper(), worker)

    flow.__module__ = entry.__name__
    object.__setattr__(entry.flow, "factory", flow)
    with pytest.raises(ConfigurationError, match="inner can execute pay without asking"):
        Registry(WorkflowContext({})).load(entry.__name__)


def test_what_only_a_proxy_keeps_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own classes are followed, wherever they are installed."""
    installed = f"{sysconfig.get_path('purelib')}/countersign/agents/classic/gatekeeper.py"
    monkeypatch.setattr(sys.modules["countersign.agents.classic.gatekeeper"], "__file__", installed)
    monkeypatch.setattr("countersign.agents.guard.libraries._distributed", {"countersign"})
    proxy = gatekeeper()
    inner: ConversableAgent = executing(Effect(tmp_path / "effect"))
    vars(proxy)["kept"] = [inner]

    assert inner in reach([proxy]).agents


@pytest.mark.parametrize("name", ["httpx", "pydantic", "json", "sqlalchemy.orm"])
def test_libraries_are_libraries(name: str) -> None:
    importlib.import_module(name)
    Registry(WorkflowContext({}))
    reach([speaker()])

    assert is_a_librarys(name)


def test_what_is_installed_is_what_the_standard_library_says() -> None:
    """In names, and in which of them were installed together."""
    ours = [packages for folder in sys.path for packages in libraries._installed(folder)]
    theirs = packages_distributions()
    together = {
        frozenset(n for n in theirs if each in theirs[n]) for each in chain(*theirs.values())
    }

    assert set(theirs) <= set().union(*ours)
    assert together - {frozenset()} <= set(ours)
