"""The user proxy that executes tools: every call passes the gate first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

from autogen import Agent, ConversableAgent

from countersign.agents.calls import AnsweredCall
from countersign.agents.classic.cached_replies import CachedReplies
from countersign.agents.classic.chat_run import ChatRun
from countersign.agents.classic.fast_conditions import AnySender
from countersign.agents.classic.functions import Functions
from countersign.agents.classic.human_input import HumanInput, asker_of
from countersign.agents.classic.messages import answering, has_calls
from countersign.agents.guard.contexts import outside
from countersign.agents.limits import ENDED_BY_PERSON, NotAsked
from countersign.agents.suspension import ChatSuspendedError
from countersign.agents.tools.checks import CheckFunction, Checks
from countersign.agents.tools.outcomes import Errors, Harmless, faults, of_tool
from countersign.agents.tools.permit import SealedTool
from countersign.agents.tools.reversibility import classes
from countersign.agents.tools.undo import Undo
from countersign.approvals.models import Reversibility

Reply = tuple[bool, dict[str, Any] | None]
ASK_FIRST = NotAsked("", "A person is asked first how to go on.")
"""AutoGen's TERMINATE at its limit: the answer of a person decides, and the gate comes after it."""


class ApprovalProxy(CachedReplies, HumanInput):
    """A UserProxyAgent whose tools run only as approved requests of a session.

    `idempotent` names the tools that may be called again, with the same execution token, when a
    process died while they ran. `harmless` names the exceptions after which nothing has happened:
    for all its tools (`(ValueError,)`), or by tool (`{"pay": (ValueError,)}`); after any other one
    a guarded call is in doubt. `checks` and `previews` are functions by tool that get the arguments
    of a call and say, before people are asked, what it rests on and what it would do (see
    `agents.tools.checks`). `roles` says who answers its free-text questions.
    `reversibility` says how what a tool did can be undone (`{"pay": "irreversible"}`), for the
    conditions of rules. `undo` names the tool that takes another one back
    (`{"pay": Undo("refund", {"payment": "result.id"})}`). With `ask_beforehand` agents are offered
    the tool `would_need_approval`, which says what would become of a call, and asks nobody; with
    `plans` the tool `propose_plan`, by which they have calls approved before they make them.
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
        checks: Mapping[str, CheckFunction] | None = None,
        previews: Mapping[str, CheckFunction] | None = None,
        roles: Sequence[str] = (),
        reversibility: Mapping[str, Reversibility | str] | None = None,
        undo: Mapping[str, Undo] | None = None,
        ask_beforehand: bool = False,
        plans: bool = False,
        **kwargs: Any,
    ):
        """Take what UserProxyAgent takes, in its order; code execution is off unless asked for.

        Raises TypeError for a `harmless` that is no class of exceptions; ValueError for a class of
        `reversibility` that there is not.
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
        self.reversibility = classes(reversibility or {})
        self.undo = dict(undo or {})
        self.asks_beforehand = ask_beforehand
        self.plans = plans
        if function_map:
            self.register_function(function_map)
        sender: Any = AnySender
        self.register_reply(sender, ApprovalProxy.gate_reply, position=0)
        self.register_reply(
            sender, ApprovalProxy.a_gate_reply, position=0, ignore_async_in_sync_chat=True
        )

    def harmless_of(self, tool: str) -> Errors:
        """The exceptions of this tool after which nothing has happened."""
        return of_tool(self.harmless, tool)

    def undo_of(self, tool: str) -> Undo | None:
        """What takes back a call of this tool; None if nothing does."""
        return self.undo.get(tool)

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
        return SealedTool(name, body, Functions(self))

    def gate_reply(
        self,
        messages: list[dict[str, Any]] | None = None,
        sender: Agent | None = None,
        config: Any = None,
    ) -> Reply:
        """Answer the calls of the last message, in a sync chat."""
        history = self._history(messages, sender)
        if not history or not has_calls(history[-1]):
            return self._model_is_silent(), None
        run, asker = self._require_run("tools"), asker_of(history, sender)
        because = self._not_asked(run, sender)
        if because is ASK_FIRST:
            over, said = self.check_termination_and_human_reply(messages=history, sender=sender)
            if over and said is not None:
                run.steps.call(lambda: run.interrupted(history, asker))
                return True, said  # type: ignore[return-value]
            because = ENDED_BY_PERSON if over else None
        if because is None:
            with outside():
                answers = run.steps.call(lambda: run.answer(self, history, asker))
            return self._reply(history, answers)
        refused = because
        refusals = run.steps.call(lambda: run.refuse(history, asker, refused))
        final, reply = self._reply(history, refusals)
        if not because.ends or sender is None:
            return final, reply
        self.send(reply or "", sender, request_reply=False, silent=True)
        return run.close_with(self)

    async def a_gate_reply(
        self,
        messages: list[dict[str, Any]] | None = None,
        sender: Agent | None = None,
        config: Any = None,
    ) -> Reply:
        """Answer the calls of the last message, in an async chat."""
        history = self._history(messages, sender)
        if not history or not has_calls(history[-1]):
            return self._model_is_silent(), None
        run, asker = self._require_run("tools"), asker_of(history, sender)
        because = self._not_asked(run, sender)
        if because is ASK_FIRST:
            over, said = await self.a_check_termination_and_human_reply(history, sender)
            if over and said is not None:
                await run.interrupted(history, asker)
                return True, said  # type: ignore[return-value]
            because = ENDED_BY_PERSON if over else None
        if because is None:
            with outside():
                answers = await run.answer(self, history, asker)
            return self._reply(history, answers)
        final, reply = self._reply(history, await run.refuse(history, asker, because))
        if not because.ends or sender is None:
            return final, reply
        await self.a_send(reply or "", sender, request_reply=False, silent=True)
        return run.close_with(self)

    def _not_asked(self, run: ChatRun, sender: Agent | None) -> NotAsked | None:
        """Why these calls are not even asked, if they are not: AutoGen's limit of automatic
        replies, which keeps its meaning although the gate comes first, or a limit of our own.

        Counted once for each message: not again when the chat goes on with what was open.
        """
        if run.gate.is_open:
            return None if run.gate.has_open_calls else ASK_FIRST
        if self.human_input_mode == "ALWAYS":
            return run.limit_reached()
        limit = self._max_consecutive_auto_reply_dict[sender]
        if self._consecutive_auto_reply_counter[sender] < limit:
            self._consecutive_auto_reply_counter[sender] += 1
            return run.limit_reached()
        if self.human_input_mode == "TERMINATE":
            return ASK_FIRST
        self._consecutive_auto_reply_counter[sender] = 0  # as AutoGen does
        words = (
            f"The limit of automatic replies of {self.name} was reached "
            f"(max_consecutive_auto_reply={limit})."
        )
        return NotAsked("max_consecutive_auto_reply", words, ends=True)

    def _model_is_silent(self) -> bool:
        """Whether the chat ends because the model has been saying nothing again and again."""
        return self._run is not None and self._run.is_silent()

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

    @staticmethod
    def _reply(history: Sequence[dict[str, Any]], answers: list[AnsweredCall] | None) -> Reply:
        if answers is None:
            raise ChatSuspendedError
        return True, answering(history, answers)
