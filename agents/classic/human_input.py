"""Free-text questions of a user proxy: the chat waits for a person, and goes on with the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autogen import Agent, UserProxyAgent

from countersign.agents.classic.chat_run import ChatRun
from countersign.agents.guard.contexts import outside
from countersign.agents.suspension import ChatSuspendedError
from countersign.approvals.errors import RefusedError


class HumanInput(UserProxyAgent):
    """A UserProxyAgent that asks people in a session, and nobody on the console."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._run: ChatRun | None = None
        self._heard: tuple[list[dict[str, Any]], str] = ([], "")

    def attach(self, run: ChatRun | None) -> None:
        """Take part in a run of a session; None ends that."""
        self._run = run

    def get_human_input(self, prompt: str, **_: Any) -> str:
        """Ask a person, in a sync chat."""
        run = self._require_run("questions")
        history, asker = self._heard
        with outside():
            answer = run.steps.call(lambda: run.ask(self._runner, prompt, history, asker))
        return self._answered(answer)

    async def a_get_human_input(self, prompt: str, **_: Any) -> str:
        """Ask a person, in an async chat."""
        run = self._require_run("questions")
        history, asker = self._heard
        with outside():
            answer = await run.ask(self._runner, prompt, history, asker)
        return self._answered(answer)

    @property
    def _runner(self) -> Any:
        """Itself, which executes tools as well (`ApprovalProxy`)."""
        return self

    def _hear(self, messages: list[dict[str, Any]] | None, sender: Agent | None) -> None:
        """Keep what is being answered: AutoGen does not hand it to `get_human_input`."""
        history = self._history(messages, sender)
        self._heard = history, asker_of(history, sender)

    def _answered(self, text: str | None) -> str:
        if text is None:
            raise ChatSuspendedError
        self._human_input.append(text)
        return text

    def _history(
        self, messages: list[dict[str, Any]] | None, sender: Agent | None
    ) -> list[dict[str, Any]]:
        return self._oai_messages[sender] if messages is None else messages

    def _require_run(self, what: str) -> ChatRun:
        if self._run is None:
            raise RefusedError(
                f"The {what} of {self.name} work only inside a Countersign session, where people "
                "can decide. Start the workflow through the bot, the API or the CLI "
                "instead of initiate_chat."
            )
        return self._run


def asker_of(history: Sequence[dict[str, Any]], sender: Agent | None) -> str:
    """Who said the last message: in a group chat the manager only passes it on."""
    if history and history[-1].get("name"):
        return str(history[-1]["name"])
    speaker = getattr(sender, "last_speaker", None) or sender
    return "" if speaker is None else str(speaker.name)
