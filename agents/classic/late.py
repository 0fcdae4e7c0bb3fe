"""Workflows that are built when the first chat or call needs them; until then their facts serve.

AutoGen and the OpenAI client are a third of what starting a server costs. Where nothing has changed
since the workflows were last built and checked, what was found then is known (`Facts`). They are
built, and compared with that, before anything of theirs runs.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from contextvars import Context
from typing import TYPE_CHECKING

import structlog
from typing_extensions import override

from countersign.agents.classic.facts import Facts, KnownWorkflows, WorkflowInfo
from countersign.agents.session_chat import SessionChat
from countersign.approvals.errors import ConfigurationError, UnavailableError
from countersign.approvals.models import Checked, Effective, JsonObject, Reversibility
from countersign.approvals.ports import Forms

if TYPE_CHECKING:
    from countersign.agents.classic.registry import Registry

log = structlog.get_logger(__name__)

OTHERWISE = (
    "The workflows are not what they were when they were last checked, so nothing of theirs runs. "
    "Start the server again: it builds and checks them then."
)


class LateWorkflows(KnownWorkflows):
    """The workflows of a process, the same to whoever asks whether they are built yet or not."""

    def __init__(self, facts: Facts, load: Callable[[], Registry], wrong: Callable[[], None]):
        """`load` builds and checks them, in a thread; it raises ConfigurationError. `wrong` is
        called if they are not what the facts say."""
        self._facts, self._load, self._wrong = facts, load, wrong
        self._known: KnownWorkflows = facts
        self._built: Future[Registry] = Future()
        self._begun, self._lock = False, threading.Lock()

    def begin(self) -> None:
        """Build them now, in the background: somebody is here who may need them soon. Harmless to
        repeat, and from any thread."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
        self._built.set_running_or_notify_cancel()
        # Of the process, and not of the session or request that came first.
        thread = threading.Thread(target=self._build, name="workflows", daemon=True)
        Context().run(thread.start)

    async def checks(self) -> dict[str, str]:
        """Why nothing of theirs runs here, if it does not; see `bot.server.app`."""
        if not self._built.done() or self._built.exception() is None:
            return {}
        return {"workflows": OTHERWISE}

    @asynccontextmanager
    async def session_chat(self, name: str) -> AsyncIterator[SessionChat]:
        """See `agents.session_chat.Workflows`. Raises UnavailableError also."""
        registry = await self._registry()
        async with registry.session_chat(name) as chat:
            yield chat

    async def effective(self, workflow: str, tool: str, arguments: JsonObject) -> Effective | None:
        """See `approvals.ports.ToolCatalog`. Raises UnavailableError also."""
        return await (await self._registry()).effective(workflow, tool, arguments)

    async def checked(self, workflow: str, tool: str, arguments: JsonObject) -> Checked | None:
        """See `approvals.ports.ToolCatalog`. Raises UnavailableError also."""
        return await (await self._registry()).checked(workflow, tool, arguments)

    async def _registry(self) -> Registry:
        self.begin()
        return await asyncio.wrap_future(self._built)

    def _build(self) -> None:
        began_s = time.monotonic()
        try:
            registry = self._load()
            problems = [] if self._facts.rules_alike(registry.facts()) else [OTHERWISE]
        except ConfigurationError as exc:
            problems = list(exc.problems)
        except BaseException as exc:  # whoever waits must not wait for ever
            log.exception("workflows not built")
            problems = [f"{type(exc).__name__}: {exc}"]
        if problems:
            for problem in problems:
                log.error("workflows otherwise", problem=problem)
            self._wrong()
            self._built.set_exception(UnavailableError(OTHERWISE))
            return
        self._known = registry
        log.info("workflows built", s=round(time.monotonic() - began_s, 2))
        self._built.set_result(registry)

    @override
    def infos(self) -> tuple[WorkflowInfo, ...]:
        return self._known.infos()

    @override
    def info(self, name: str) -> WorkflowInfo:
        return self._known.info(name)

    @override
    def schema(self, workflow: str, tool: str) -> JsonObject | None:
        return self._known.schema(workflow, tool)

    @override
    def forms(self) -> Forms:
        return self._known.forms()

    @override
    def schema_versions(self) -> frozenset[str]:
        return self._known.schema_versions()

    @override
    def input_roles(self, workflow: str, executor: str) -> tuple[str, ...]:
        return self._known.input_roles(workflow, executor)

    @property
    @override
    def same_bodies(self) -> Sequence[frozenset[str]]:
        return self._known.same_bodies

    @property
    @override
    def reversibility(self) -> Mapping[str, Reversibility]:
        return self._known.reversibility

    @property
    @override
    def undescribed(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        return self._known.undescribed

    @property
    @override
    def asking(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        return self._known.asking
