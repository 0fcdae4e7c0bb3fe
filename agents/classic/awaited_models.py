"""Awaited models: a client that can be awaited takes no thread while its model thinks.

AutoGen asks every model in a thread of the event loop's pool. A client of a workflow's own
(AutoGen's `ModelClient`) that has a coroutine `a_create` beside `create` is awaited instead. All
that AutoGen does around a call (price, usage, the next client after an error) stays AutoGen's own
code: it runs in a greenlet, which waits for the coroutine at the place where `create` is called.
What else might block there (a cache, safeguards) is left to AutoGen's thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import iscoroutinefunction
from typing import Any

from autogen import ConversableAgent, OpenAIWrapper
from sqlalchemy.util import await_only, greenlet_spawn
from sqlalchemy.util.concurrency import in_greenlet

Reply = tuple[bool, str | dict[str, Any] | None]
_IN_A_THREAD = ConversableAgent.a_generate_oai_reply
_SAFEGUARDS = ("safeguard_llm_inputs", "safeguard_llm_outputs")
"""Hooks of AutoGen 0.14 around a call; they may ask a model themselves."""


class AwaitedClient:
    """A model client that is awaited where that is possible, and called as ever where it is not."""

    def __init__(self, client: Any):
        self._client = client

    def create(self, params: dict[str, Any]) -> Any:
        """What the model answers."""
        if in_greenlet():
            return await_only(self._client.a_create(params))
        return self._client.create(params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def await_models(agents: Iterable[ConversableAgent]) -> None:
    """Let these agents of an async chat await those of their clients that can be awaited.

    Only what they hold is replaced, never AutoGen's own code.
    """
    for agent in agents:
        if not isinstance(agent.client, OpenAIWrapper):
            continue
        clients: list[Any] = agent.client._clients
        clients[:] = [AwaitedClient(each) if _can_be_awaited(each) else each for each in clients]
        for entry in agent._reply_func_list:
            if entry["reply_func"] is _IN_A_THREAD:
                entry["reply_func"] = a_generate_oai_reply


async def a_generate_oai_reply(
    self: ConversableAgent,
    messages: list[dict[str, Any]] | None = None,
    sender: Any = None,
    config: Any = None,
    **kwargs: Any,
) -> Reply:
    """AutoGen's own sync reply, with the event loop going on while the model is asked."""
    given = {"messages": messages, "sender": sender, "config": config, **kwargs}
    found: Reply
    if _never_blocks(self, self.client if config is None else config):
        found = await greenlet_spawn(self.generate_oai_reply, **given)
    else:
        found = await _IN_A_THREAD(self, **given)
    return found


def _never_blocks(agent: ConversableAgent, wrapper: Any) -> bool:
    """Of several clients any may be asked, and agents may have been given others since."""
    if agent.client_cache is not None or any(agent.hook_lists.get(each) for each in _SAFEGUARDS):
        return False
    clients = getattr(wrapper, "_clients", ())
    return bool(clients) and all(isinstance(each, AwaitedClient) for each in clients)


def _can_be_awaited(client: Any) -> bool:
    return iscoroutinefunction(getattr(client, "a_create", None))
