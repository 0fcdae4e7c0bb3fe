"""The user proxy that executes tools: every call passes the gate first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from autogen import Agent, ConversableAgent, UserProxyAgent

from countersign.agents.calls import has_calls, is_legacy
from countersign.agents.checks import Checks, Look
from countersign.agents.classic.brakes import ASK_FIRST, ENDED_BY_PERSON, Refusal
from countersign.agents.classic.cached_replies import QuickReplies
from countersign.agents.classic.fast_conditions import AnySender
from countersign.agents.guard.standing import outside
from countersign.agents.outcomes import (
    Errors,
    Harmless,
    faults,
    of_tool,
)
from countersign.agents.permit import SealedTool
from countersign.agents.suspension import ChatSuspendedError
from countersign.approvals.errors import RefusedError

if TYPE_CHECKING:
    from countersign.agents.calls import Call
    from countersign.agents.gate import Gate

Reply = tuple[bool, dict[str, Any] | None]


class ApprovalProxy(QuickReplies, UserProxyAgent):
    """A UserProxyAgent whose tools run only as approved requests of a session.

    `idempotent` names the tools that may be called again, with the same execution token, when a
    process died while they ran. `harmless` names the exceptions after which nothing has happened:
    for all its tools (`(ValueError,)`), or by tool (`{"pay": (ValueError,)}`); after any other one
    a guarded call is in doubt. `checks` and `previews` are functions by tool that get the arguments
    of a call and say, before people are asked, what it rests on and what it would do (see
    `agents.checks`). `roles` says who answers its free-text questions.
    """

    def __init__(
        self,
        name: str,
        is_termination_msg: Callable[[dict[str, Any]], bool] | None = None,
        max_consecutive_auto_reply: int | None = None,
        human_input_mode: Literal["ALWAYS", "TERMINATE", "NEVER"] = "ALWAYS",
        function_map: dict[str, Callable[..., Any]] | None = None,
        code_execution_config: dict[str, Any] | Literal[False] = False,
        default_auto_reply: str | dict[str, Any] | None = "",
        llm_config: Any = False,
        system_message: str | list[str] | None = "",
        description: str | None = None,
        *,
        idempotent: Collection[str] = (),
        harmless: Harmless = (),
        checks: Mapping[str, Look] | None = None,
        previews: Mapping[str, Look] | None = None,
        roles: Sequence[str] = (),
        **kwargs: Any,
    ):
        """Take what UserProxyAgent takes, in its order; code execution is off unless asked for.

        Raises TypeError for a `harmless` that is no class of exceptions.
        """
        if wrong := faults(harmless):
            raise TypeError(
                f"{name}: harmless takes classes of exceptions, e.g. (ValueError,), or a mapping "
                f"from tools to them; not {', '.join(wrong)}."
            )
        super().__init__(
            name,
            is_termination_msg=is_termination_msg,
            max_consecutive_auto_reply=max_consecutive_auto_reply,
            human_input_mode=human_input_mode,
            code_execution_config=code_execution_config,
            default_auto_reply=default_auto_reply,
            llm_config=llm_config,
            system_message=system_message,
            description=description,
            **kwargs,
        )
        self.idempotent = frozenset(idempotent)
        self.harmless = harmless
        self.checks, self.previews = dict(checks or {}), dict(previews or {})
        self.roles = tuple(roles)
        self._gate: Gate | None = None
        self._heard: tuple[list[dict[str, Any]], str] = ([], "")
        if function_map:
            self.register_function(function_map)
        sender: Any = AnySender
        self.register_reply(sender, ApprovalProxy.gate_reply, position=0)
        self.register_reply(
            sender, ApprovalProxy.a_gate_reply, position=0, ignore_async_in_sync_chat=True
        )

    def attach(self, gate: Gate | None) -> None:
        """Put this proxy under a run's gate; None takes it away."""
        self._gate = gate

    def harmless_of(self, tool: str) -> Errors:
        """The exceptions of this tool after which nothing has happened."""
        return of_tool(self.harmless, tool)

    def checks_of(self, tool: str) -> Checks | None:
        """What can be said of a call of this tool before it runs; None if nothing can."""
        check, preview = self.checks.get(tool), self.previews.get(tool)
        return Checks(tool, check, preview) if check or preview else None

    def register_function(
        self, function_map: dict[str, Callable[..., Any]], silent_override: bool = False
    ) -> None:
        """Register functions as AutoGen does; each is sealed under its name first."""
        sealed = {name: self._seal(name, function) for name, function in function_map.items()}
        super().register_function(sealed, silent_override)

    def _seal(self, name: str, function: Callable[..., Any] | None) -> Any:
        """The function under its seal; None (AutoGen's way to remove one) stays None."""
        if function is None or (isinstance(function, SealedTool) and function.name == name):
            return function
        body = function.body if isinstance(function, SealedTool) else function
        return SealedTool(name, body, self)

    def gate_reply(
        self,
        messages: list[dict[str, Any]] | None = None,
        sender: Agent | None = None,
        config: Any = None,
    ) -> Reply:
        """Answer the calls of the last message, in a sync chat."""
        history = self._history(messages, sender)
        if not history or not has_calls(history[-1]):
            return self._heard_nothing(), None
        gate, asker = self._require_gate("tools"), _asker(history, sender)
        refused = self._at_limit(gate, sender)
        if refused is ASK_FIRST:
            over, said = self.check_termination_and_human_reply(messages=history, sender=sender)
            if over and said is not None:
                gate.from_thread(lambda: gate.interrupted(history, asker))
                return True, said  # type: ignore[return-value]
            refused = ENDED_BY_PERSON if over else None
        if refused is None:
            with outside():
                answers = gate.from_thread(lambda: gate.settle(self, history, asker))
            return self._reply(history, answers)
        because = refused
        refusals = gate.from_thread(lambda: gate.refuse(history, asker, because))
        final, reply = self._reply(history, refusals)
        if not because.ends or sender is None:
            return final, reply
        self.send(reply or "", sender, request_reply=False, silent=True)
        return gate.close_with(self)

    async def a_gate_reply(
        self,
        messages: list[dict[str, Any]] | None = None,
        sender: Agent | None = None,
        config: Any = None,
    ) -> Reply:
        """Answer the calls of the last message, in an async chat."""
        history = self._history(messages, sender)
        if not history or not has_calls(history[-1]):
            return self._heard_nothing(), None
        gate, asker = self._require_gate("tools"), _asker(history, sender)
        refused = self._at_limit(gate, sender)
        if refused is ASK_FIRST:
            over, said = await self.a_check_termination_and_human_reply(history, sender)
            if over and said is not None:
                await gate.interrupted(history, asker)
                return True, said  # type: ignore[return-value]
            refused = ENDED_BY_PERSON if over else None
        if refused is None:
            with outside():
                answers = await gate.settle(self, history, asker)
            return self._reply(history, answers)
        final, reply = self._reply(history, await gate.refuse(history, asker, refused))
        if not refused.ends or sender is None:
            return final, reply
        await self.a_send(reply or "", sender, request_reply=False, silent=True)
        return gate.close_with(self)

    def _at_limit(self, gate: Gate, sender: Agent | None) -> Refusal | None:
        """Why these calls are not even asked, if they are not: AutoGen's limit of automatic
        replies, which keeps its meaning although the gate comes first, or a limit of our own.

        Counted once for each message: not again when the chat goes on with what was open.
        """
        if gate.is_open:
            return None if gate.has_open_calls else ASK_FIRST
        if self.human_input_mode == "ALWAYS":
            return gate.brake()
        limit = self._max_consecutive_auto_reply_dict[sender]
        if self._consecutive_auto_reply_counter[sender] < limit:
            self._consecutive_auto_reply_counter[sender] += 1
            return gate.brake()
        if self.human_input_mode == "TERMINATE":
            return ASK_FIRST
        self._consecutive_auto_reply_counter[sender] = 0  # as AutoGen does
        words = (
            f"The limit of automatic replies of {self.name} was reached "
            f"(max_consecutive_auto_reply={limit})."
        )
        return Refusal("max_consecutive_auto_reply", words, ends=True)

    def _heard_nothing(self) -> bool:
        """Whether the chat ends because the model has been saying nothing again and again."""
        return self._gate is not None and self._gate.is_silent()

    async def a_generate_reply(
        self,
        messages: list[dict[str, Any]] | None = None,
        sender: Agent | None = None,
        exclude: Any = (),
    ) -> str | dict[str, Any] | None:
        """Reply as AutoGen does, but ask a person only once.

        pyautogen 0.9 runs the sync twin of a check after the async one, which asks (and counts)
        a second time; 0.14 skips it by itself.
        """
        twins = [ConversableAgent.check_termination_and_human_reply, ApprovalProxy.gate_reply]
        self._hear(messages, sender)
        return await super().a_generate_reply(messages, sender, exclude=[*exclude, *twins])

    def generate_reply(
        self,
        messages: list[dict[str, Any]] | None = None,
        sender: Agent | None = None,
        exclude: Any = (),
    ) -> str | dict[str, Any] | None:
        """Reply as AutoGen does."""
        self._hear(messages, sender)
        return super().generate_reply(messages, sender, exclude=list(exclude))

    def get_human_input(self, prompt: str, **_: Any) -> str:
        """Ask a person, in a sync chat: the chat waits, and goes on with the answer."""
        gate = self._require_gate("questions")
        history, asker = self._heard
        with outside():
            said = gate.from_thread(lambda: gate.ask(self, prompt, history, asker))
        return self._heard_person(said)

    async def a_get_human_input(self, prompt: str, **_: Any) -> str:
        """Ask a person, in an async chat."""
        gate = self._require_gate("questions")
        history, asker = self._heard
        with outside():
            said = await gate.ask(self, prompt, history, asker)
        return self._heard_person(said)

    def _hear(self, messages: list[dict[str, Any]] | None, sender: Agent | None) -> None:
        """Keep what is being answered: AutoGen does not hand it to `get_human_input`."""
        history = self._history(messages, sender)
        self._heard = history, _asker(history, sender)

    def _heard_person(self, text: str | None) -> str:
        if text is None:
            raise ChatSuspendedError
        self._human_input.append(text)
        return text

    def _history(
        self, messages: list[dict[str, Any]] | None, sender: Agent | None
    ) -> list[dict[str, Any]]:
        return self._oai_messages[sender] if messages is None else messages

    def _require_gate(self, what: str) -> Gate:
        if self._gate is None:
            raise RefusedError(
                f"The {what} of {self.name} work only inside a Countersign session, where people "
                "can decide. Start the workflow through the bot, the API or SessionManager.run "
                "instead of initiate_chat."
            )
        return self._gate

    @staticmethod
    def _reply(history: Sequence[dict[str, Any]], answers: list[tuple[Call, str]] | None) -> Reply:
        """The message that answers the calls: each by the id the model gave it, if it gave one."""
        if answers is None:
            raise ChatSuspendedError
        if is_legacy(history[-1]):
            ((call, text),) = answers
            return True, {"role": "function", "name": call.tool, "content": text}
        responses = []
        for call, text in answers:
            response = {"role": "tool", "content": text}
            if call.provider_id is not None:
                response = {"tool_call_id": call.provider_id, **response}
            responses.append(response)
        content = "\n\n".join(text for _, text in answers)
        return True, {"role": "tool", "tool_responses": responses, "content": content}


def _asker(history: Sequence[dict[str, Any]], sender: Agent | None) -> str:
    """Who said the last message: in a group chat the manager only passes it on."""
    if history and history[-1].get("name"):
        return str(history[-1]["name"])
    speaker = getattr(sender, "last_speaker", None) or sender
    return "" if speaker is None else str(speaker.name)
