"""A chat of one call: takes back what an executed call has done, as a person has asked for.

No agent speaks in it. It stands in the place of the workflow's own chat, whose user proxy executes
the compensating tool, so that the call is proposed, claimed, run and stored as every other one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from typing_extensions import override

from countersign.agents.calls import AskedCall
from countersign.agents.gate import Gate
from countersign.agents.guard.contexts import ChatContext
from countersign.agents.ports import Position, Progress, Runner
from countersign.agents.session_chat import Ended, SessionChat
from countersign.agents.side_gate import CannotAnswerError, Exchange, SideGate
from countersign.agents.suspension import ChatSuspendedError
from countersign.agents.tools.checks import Checks
from countersign.agents.tools.outcomes import Errors
from countersign.agents.tools.undo import Undo
from countersign.agents.values.effective import ToolParameters
from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.errors import IntegrityError, PreconditionFailedError
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.forms.display import shown_facts
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import (
    ChatState,
    JsonObject,
    Request,
    Session,
    StoredChat,
    UndoOffer,
)

FORMAT = "undo"
"""The member of a snapshot that says that it is one of these."""
CHANGED = "The record has changed since {what}: {how}."


class UndoRunner(Runner):
    """The user proxy that executes the compensating tool; its check is held to what is expected."""

    asks_beforehand = False

    def __init__(self, runner: Runner, offer: UndoOffer, what: str):
        self._runner, self._offer, self._what = runner, offer, what
        self.idempotent = runner.idempotent

    @property
    @override
    def name(self) -> str:
        return self._runner.name

    @property
    @override
    def function_map(self) -> Mapping[str, Callable[..., Any]]:
        return self._runner.function_map

    @override
    def harmless_of(self, tool: str) -> Errors:
        return self._runner.harmless_of(tool)

    @override
    def undo_of(self, tool: str) -> Undo | None:
        return self._runner.undo_of(tool)

    @override
    def checks_of(self, tool: str) -> Checks | None:
        checks, offer = self._runner.checks_of(tool), self._offer
        if not offer.expects:
            return checks
        if checks is None or checks.check is None:
            raise IntegrityError(f"{tool} no longer has a check, which {self._what} relies on.")
        return replace(checks, always=True, require=self._require)

    def _require(self, facts: JsonObject) -> None:
        """Raise PreconditionFailedError unless the facts are as the first call has left them."""
        expects = self._offer.expects
        differ = [
            name
            for name, value in expects.items()
            if name not in facts or canonical_json(facts[name]) != canonical_json(value)
        ]
        if not differ:
            return
        was = {each.name: each for each in shown_facts(expects)}
        now = {each.name: each for each in shown_facts(facts)}
        how = "; ".join(
            f"{was[name].label} was {was[name].text} and is "
            f"{now[name].text if name in now else 'not there any more'}"
            for name in differ
        )
        raise PreconditionFailedError(CHANGED.format(what=self._what, how=how))


class UndoChat(SessionChat):
    """The chat of a session that takes back a request."""

    def __init__(self, chat: SessionChat, session: Session, original: Request):
        """`chat` is one of the workflow of `original`. Raises IntegrityError if nobody in it
        executes what was offered."""
        offer = original.undo
        if offer is None:
            raise IntegrityError(f"Request {original.id} has nothing that takes it back.")
        known = [each for each in chat.runners if each.name == offer.executor]
        if not known or offer.tool not in known[0].function_map:
            raise IntegrityError(
                f"Nobody executes {offer.tool} as {offer.executor} in {session.workflow} any more, "
                f"so {original.id} cannot be undone by it."
            )
        what = f"{in_words(original.tool)} ({original.id})"
        self._chat, self._session, self._offer, self._what = chat, session, offer, what
        self._agent, self._runner = original.agent, UndoRunner(known[0], offer, what)

    @property
    @override
    def tools(self) -> Mapping[str, ToolParameters]:
        return self._chat.tools

    @property
    @override
    def offered(self) -> Mapping[str, frozenset[str]]:
        return {self._agent: frozenset({self._offer.tool})}

    @property
    @override
    def runners(self) -> Sequence[Runner]:
        return [self._runner]

    @property
    @override
    def chat_context(self) -> ChatContext:
        return self._chat.chat_context

    @property
    @override
    def progress(self) -> Progress:
        return self._chat.progress

    @override
    def state(self, waiting: str, turn: int) -> ChatState:
        messages = [{"role": "user", "name": self._by, "content": self._session.task}]
        text = json.dumps(messages)
        snapshot = {FORMAT: 1, "messages": messages, "waiting": waiting, "turn": turn}
        return ChatState(json.dumps(snapshot), sha256_hex(text.encode()))

    @override
    def restore(self, state: StoredChat) -> Position:
        return Position(self._runner.name, 0)

    @override
    async def begin(self, gate: Gate, task: str) -> Ended:
        return await self._carried_out(gate)

    @override
    async def resume(self, gate: Gate, waiting: str) -> Ended:
        return await self._carried_out(gate)

    @override
    async def consult(self, gate: SideGate, agent: str, exchanges: Sequence[Exchange]) -> str:
        raise CannotAnswerError("No agent proposed this: a person asked for it to be undone.")

    @property
    def _by(self) -> str:
        act = self._session.undoing
        return "somebody" if act is None else act.by_name

    async def _carried_out(self, gate: Gate) -> Ended:
        asked = [AskedCall(self._offer.tool, dict(self._offer.arguments), None, self._session.task)]
        if gate.is_open:
            batch = gate.reopened(self._runner, asked, self._agent)
        else:
            batch = await gate.propose(self._runner, asked, self._agent)
        answers = await gate.carry_out(self._runner, batch)
        if answers is None:
            raise ChatSuspendedError
        (answer,) = answers
        return Ended(Ending(cause=SessionCause.ANSWERED, answer=answer.text), {})
