"""AutoGen's clients of a language model, made in a third of the time.

A client asks for the keywords of `OpenAI.__init__` twenty times while it is made, and `inspect`
reads them from the signature each time: a third of what building a chat takes. And it looks on the
disk whether what it imports belongs to AutoGen's own tests. Both are the same each time.
"""

from __future__ import annotations

from typing import Any


def quicken_clients() -> None:
    """Read them once in this process."""
    from autogen.import_utils import ModuleInfo
    from autogen.oai.client import OpenAIWrapper

    blank: Any = OpenAIWrapper.__new__(OpenAIWrapper)
    keywords = frozenset(blank.openai_kwargs)
    OpenAIWrapper.openai_kwargs = keywords  # type: ignore[assignment,method-assign]

    look: Any = ModuleInfo.is_in_sys_modules
    fine: set[str] = set()

    def looked_once(self: Any) -> str | None:
        key = repr(self)
        problem: str | None = None if key in fine else look(self)
        if problem is None:
            fine.add(key)
        return problem

    ModuleInfo.is_in_sys_modules = looked_once  # type: ignore[method-assign]
