"""Runs an example chat with a gate of its own: decisions are a function.

What the real gate does is tested with it; here the examples and the scripted model are, against
results written by hand as agents get to read them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from autogen import Agent, ConversableAgent

from countersign import Chat, WorkflowContext
from countersign.agents.classic.workflows import Workflow
from countersign.agents.tools.outcomes import outcome_of
from countersign.examples import crm_update, it_change, sales_quote
from countersign.sandbox.standins import BackOffice, back_office, workflow_settings

ALLOWED = {
    "lookup_customer",
    "update_stage",
    "log_activity",
    "lookup_catalog",
    "check_policy",
    "open_incident",
}
APPROVE: Mapping[str, Any] = {"verdict": "approve"}

Decide = Callable[[str, Mapping[str, Any], int], Mapping[str, Any]]
"""From tool, arguments and how often the tool was proposed before to what is decided."""


def approve(tool: str, arguments: Mapping[str, Any], nth: int) -> Mapping[str, Any]:
    """Say yes to everything."""
    return APPROVE


def in_turn(**by_tool: list[Mapping[str, Any]]) -> Decide:
    """The decisions for each tool, one after the other; then yes."""

    def decide(tool: str, arguments: Mapping[str, Any], nth: int) -> Mapping[str, Any]:
        given = by_tool.get(tool, [])
        return given[nth] if nth < len(given) else APPROVE

    return decide


@dataclass
class Stage:
    """The back ends and the model of one test."""

    office: BackOffice
    proposals: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """The guarded calls in order, without the rationale."""
    rationales: list[str] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    tokens: int = 0

    def __post_init__(self) -> None:
        self.crm, self.mail = self.office.crm, self.office.mailbox
        self.provisioning, self.model = self.office.provisioning, self.office.model

    def context(self) -> WorkflowContext:
        """As the application would build it."""
        entry = {
            "model": "gpt-4o",
            "api_key": self.model.api_key,
            "base_url": self.model.base_url,
            "price": [0.0, 0.0],
        }
        around = workflow_settings(self.office.ready())
        settings = {**around, "mail_from": "sales@countersign.example"}
        return WorkflowContext({"config_list": [entry], "cache_seed": None}, settings)

    async def run(
        self, workflow: Workflow, task: str, decide: Decide, monkeypatch: pytest.MonkeyPatch
    ) -> str:
        """Play the workflow to its end and return its last word."""
        chat = workflow(self.context())
        assert isinstance(chat, Chat)
        for module in (sales_quote, crm_update, it_change):
            monkeypatch.setattr(module, "current_execution", self._execution)
        _ask_for_rationales(chat)
        gatekeeper = chat.starter

        async def gate(
            recipient: ConversableAgent,
            messages: Any = None,
            sender: Any = None,
            config: Any = None,
        ) -> tuple[bool, Any]:
            calls = messages[-1].get("tool_calls") or []
            if not calls:
                return False, None
            self.batches.append([call["function"]["name"] for call in calls])
            answers = [
                {
                    "tool_call_id": call["id"],
                    "role": "tool",
                    "content": await self._settle(gatekeeper, call["function"], decide),
                }
                for call in calls
            ]
            text = "\n\n".join(answer["content"] for answer in answers)
            return True, {"role": "tool", "tool_responses": answers, "content": text}

        gatekeeper.register_reply([Agent, None], gate, position=0, ignore_async_in_sync_chat=True)
        await gatekeeper.a_initiate_chat(chat.recipient, message=task, silent=True)
        return str(chat.messages[-1]["content"])

    def _execution(self) -> Any:
        return SimpleNamespace(request_id=f"request-{self.tokens}", token=f"token-{self.tokens}")

    async def _settle(
        self, gatekeeper: ConversableAgent, function: Mapping[str, str], decide: Decide
    ) -> str:
        name = function["name"]
        arguments = json.loads(function["arguments"])
        rationale = arguments.pop("rationale", None)
        if name in ALLOWED:
            return await self._execute(gatekeeper, name, arguments, {})
        nth = sum(proposed == name for proposed, _ in self.proposals)
        self.proposals.append((name, arguments))
        self.rationales.append(rationale)
        decision = decide(name, arguments, nth)
        if decision["verdict"] == "approve":
            used = decision.get("arguments")
            head = {"decision": "USER_APPROVE", "status": "executed"}
            if used:
                head.update(status="executed_with_changes", arguments_used=used)
            return await self._execute(gatekeeper, name, used or arguments, head)
        if decision["verdict"] == "reject":
            return json.dumps(
                {
                    "decision": "USER_REJECT",
                    "status": "not_executed",
                    "cause": "rejected",
                    "feedback": decision["feedback"],
                    "retry": True,
                    "decided_by": "Alex Wilber",
                }
            )
        return json.dumps(
            {
                "status": "not_executed",
                "cause": decision["verdict"],
                "retry": decision.get("retry", False),
                "message": decision.get("message", ""),
            }
        )

    async def _execute(
        self, gatekeeper: Any, name: str, arguments: Mapping[str, Any], head: dict[str, Any]
    ) -> str:
        self.tokens += 1
        try:
            value = await gatekeeper.function_map[name].body(**arguments)
        except Exception as error:
            outcome = outcome_of(error, (), began=True)
            if outcome.harmless or (name in ALLOWED and not outcome.unknown):
                return json.dumps({"status": "failed", "error": outcome.content})
            doubt = {"cause": "in_doubt", "retry": False, "message": outcome.content}
            return json.dumps({"status": "not_executed", **doubt})
        result = value if isinstance(value, str) else json.dumps(value)
        if not head:
            return result
        return json.dumps({**head, "result": result, "decided_by": "Alex Wilber"})


def _ask_for_rationales(chat: Chat) -> None:
    from countersign.agents.classic.tools import parameters, show

    show(chat, parameters(chat, "example"), lambda tool: tool not in ALLOWED)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Fresh back ends and a model that plays the examples."""
    async with back_office() as office:
        yield Stage(office)
