"""A log of the models' answers: why they stopped, and refusals, where AutoGen keeps words only.

`filter_func` is AutoGen's own hook on every answer of a model (its documentation: "the filter
function that accepts the context and the response"). LLMConfig does not take it, so it is put into
the client of each agent when a chat is built, before the function that a workflow put there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from autogen import ConversableAgent, GroupChatManager

from countersign.approvals.errors import CountersignError


class MalformedAnswerError(CountersignError):
    """The model's server sent what is no answer; it may send one when it is asked again."""


@dataclass(frozen=True)
class ModelAnswer:
    """One answer of a model."""

    agent: str
    finish_reason: str
    refusal: str
    silent: bool
    """Whether it has neither words nor calls."""


@dataclass
class AnswerLog:
    """The answers to the agents of one chat. Made like new with the chat."""

    answers: list[ModelAnswer] = field(default_factory=list)

    @property
    def last(self) -> ModelAnswer | None:
        """The latest answer."""
        return self.answers[-1] if self.answers else None

    def silent_in_a_row(self) -> int:
        """How many of the latest answers said nothing at all."""
        count = 0
        for answer in reversed(self.answers):
            if not answer.silent:
                break
            count += 1
        return count

    def watch(self, agents: Iterable[ConversableAgent]) -> None:
        """See every answer to these agents from now on. Managers only choose who speaks."""
        for agent in agents:
            if agent.client is None or isinstance(agent, GroupChatManager):
                continue
            for config in agent.client._config_list:
                config["filter_func"] = self._filter(agent.name, config.get("filter_func"))

    def _filter(self, agent: str, own: Callable[..., Any] | None) -> Callable[..., bool]:
        def seen(context: Any, response: Any) -> bool:
            self.answers.append(_read(agent, response))
            return True if own is None else bool(own(context=context, response=response))

        return seen


def _read(agent: str, response: Any) -> ModelAnswer:
    """What an answer says. A client of the workflow's own gives choices of its own shape."""
    choices = _of(response, "choices")
    if not choices:
        raise MalformedAnswerError("The language model's answer has no choices.")
    choice = choices[0]
    message = _of(choice, "message", choice)
    text = _of(choice, "text")  # a completion of the old kind
    if message is None and text is None:
        raise MalformedAnswerError("The language model's answer has no message.")
    calls = _of(message, "tool_calls") or _of(message, "function_call")
    words = text or (message if isinstance(message, str) else _of(message, "content"))
    return ModelAnswer(
        agent=agent,
        finish_reason=str(_of(choice, "finish_reason") or ""),
        refusal=str(_of(message, "refusal") or ""),
        silent=not calls and not str(words or "").strip(),
    )


def _of(thing: Any, name: str, default: Any = None) -> Any:
    return thing.get(name, default) if isinstance(thing, dict) else getattr(thing, name, default)
