"""Who speaks next in an `auto` group chat, when AutoGen asks the model."""

from __future__ import annotations

import re

from countersign.sandbox.openai.conversation import Conversation

# An agent that only runs tools has nothing to say on its own.
_EXECUTOR = re.compile(r"gatekeeper|executor|user_?proxy|admin", re.IGNORECASE)


def next_speaker(conversation: Conversation) -> str:
    """The caller of the tool that just answered, or else the next agent of the list."""
    names = conversation.candidates
    if not names:
        return "There is nobody to choose from."
    speakers = [name for name in names if not _EXECUTOR.search(name)] or list(names)
    last_result = conversation.tool_results[-1] if conversation.tool_results else None
    for message in reversed(conversation.messages):
        if message.get("role") == "tool" and last_result is not None and last_result.agent in names:
            return str(last_result.agent)
        name = message.get("name")
        if name in speakers:
            return speakers[(speakers.index(name) + 1) % len(speakers)]
        if name in names:
            break
    return speakers[0]
