"""The names of the options of OpenAI's clients, read once.

AutoGen 0.9 and 0.14 read them from two signatures of some thirty parameters for every setting of
every client that they make (`OpenAIWrapper.openai_kwargs`), one for each agent and another one for
each tool that is registered with it: two fifths of the time in which a chat is built.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from autogen.oai.client import OpenAIWrapper

_read: Any = vars(OpenAIWrapper)["openai_kwargs"].fget


@cache
def _names() -> frozenset[str]:
    return frozenset(_read(None))  # it looks at no wrapper


def read_once() -> None:
    """Let AutoGen remember them in this process. Harmless to repeat."""
    OpenAIWrapper.openai_kwargs = property(lambda _: set(_names()))  # type: ignore[method-assign, assignment]
