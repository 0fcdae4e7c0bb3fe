"""The names of our chats, apart from them: whoever only names one need not import AutoGen."""

from __future__ import annotations

GROUP = "group"
"""A GroupChat with a manager, as AutoGen's async methods run it."""
GROUP_STOCK = "group-stock"
"""The same with AutoGen's own assistant and manager instead of their quick twins."""
GROUP_SYNC = "group-sync"
"""The same by the sync methods, in a thread."""
TWO = "two"
"""Two agents without a manager."""
