"""Chats of the classic AutoGen, `import autogen`: `autogen` 0.14 and `pyautogen` 0.9."""

from countersign.agents.classic.distribution import require_autogen

# Without this a wrong distribution would end in a bare ImportError.
require_autogen()
