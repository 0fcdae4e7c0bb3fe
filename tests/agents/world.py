"""A whole run of the gate: scripted model over HTTP, real AutoGen, and an office that decides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from countersign import Registry, SessionManager, WorkflowContext
from countersign.agents.classic import registry as registries
from countersign.agents.classic.models import ModelSettings, SharedClient, llm_config
from countersign.agents.classic.workflows import Workflow
from countersign.approvals.models import (
    LedgerEntry,
    Request,
    Session,
    SessionId,
)
from countersign.sandbox.openai import Reply, ScriptedModel
from tests.agents.fakes import NOW
from tests.agents.people import FakeOffice, Office, sqlite_office

Script = Callable[[Any], Reply]
OFFICES = ("fake", "sqlite")


@dataclass
class World:
    """One store, and as many processes over time as a test wants."""

    model: ScriptedModel
    context: WorkflowContext
    workflow: Workflow
    office: Office
    registry: Registry
    session_id: str = ""
    processes: int = field(default=0)

    async def start(self, task: str = "Please go ahead") -> None:
        """A session."""
        session = await self.office.runs.start(
            workflow=self.workflow.name,
            workflow_version=self.registry.info(self.workflow.name).version,
            task=task,
            owner="ann",
        )
        self.session_id = session.id

    async def run(self) -> Session:
        """A process takes the session further; each after the first builds its chats afresh."""
        registry = self.new_registry() if self.processes else self.registry
        self.processes += 1
        async with SessionManager(self.office.runs, registry) as manager:
            await manager.run(self.session_id)
        return await self.session()

    def new_registry(self) -> Registry:
        """The workflows as another process builds them. That two builds of the same workflow agree
        is looked at where it is built first: once more would be a quarter of a test."""
        registry, first = Registry(self.context), self.registry._workflows[self.workflow.name]
        with pytest.MonkeyPatch.context() as patch:
            if self.workflow is first:
                patch.setattr(registries, "takes", lambda *_: {})
            registry.add(self.workflow)
        return registry

    async def session(self) -> Session:
        """The session as it is now."""
        return await self.office.session(self.session_id)

    async def requests(self) -> list[Request]:
        """The requests of the open checkpoint."""
        return await self.office.requests(self.session_id)

    async def messages(self) -> list[dict[str, Any]]:
        """The chat's messages in the last stored state."""
        runs = self.office.runs
        if isinstance(self.office, FakeOffice):
            return runs.stored(self.session_id).messages()  # type: ignore[no-any-return]
        return list(await self.office.records.transcript(self.session_id))  # type: ignore[attr-defined]

    async def tool_texts(self) -> list[str]:
        """What the agents were told about their calls, oldest first."""
        texts: list[str] = []
        for message in await self.messages():
            texts += [response["content"] for response in message.get("tool_responses") or ()]
            if message["role"] == "function":
                texts.append(message["content"])
        return texts

    async def ledger(self) -> Sequence[LedgerEntry]:
        """What is on the ledger; of a store in memory, what was neither asked nor run."""
        if isinstance(self.office, FakeOffice):
            return [
                LedgerEntry(
                    session_id=SessionId(self.session_id), seq=n, at=NOW, kind=kind, body=body,
                    prev_hash="", hash="",
                )
                for n, (kind, body) in enumerate(self.office.runs.entries)
            ]  # fmt: skip
        return await self.office.records.ledger(self.session_id)  # type: ignore[attr-defined,no-any-return]

    @property
    def model_calls(self) -> int:
        """How often a model was asked."""
        return len(self.model.requests)

    def refused_by_model(self) -> list[Any]:
        """Requests that the model server refused, e.g. for a call without its answer."""
        return [r for r in self.model.requests if r.status != 200]


@asynccontextmanager
async def world(
    workflow: Workflow,
    script: Script,
    *,
    path: Path,
    office: str = "fake",
    guarded: Sequence[str] = (),
    denied: Sequence[str] = (),
) -> AsyncIterator[World]:
    """A world with one workflow; it ends with the check that the model server refused nothing."""
    async with ScriptedModel.start(reply=script) as model:
        # No TLS on loopback: without this every world would load the certificates of the system.
        with SharedClient(trust_env=False, verify=False) as client:
            settings = ModelSettings(api_key=model.api_key, base_url=model.base_url)
            context = WorkflowContext(llm_config=llm_config(settings, client))
            registry = Registry(context)
            registry.add(workflow)
            if office == "fake":
                fake = FakeOffice(guarded, denied)
                yield World(model, context, workflow, fake, registry)
                return
            async with sqlite_office(path / "a.db", registry, guarded, denied) as real:
                yield World(model, context, workflow, real, registry)
