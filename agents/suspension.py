"""How a chat ends before its end: it waits for people, or its run may not go on."""

from __future__ import annotations


class ChatSuspendedError(BaseException):
    """Unwinds AutoGen to the session manager: the chat waits for people; all is stored.

    A BaseException, because AutoGen turns an Exception inside a chat into a message.
    """


class ChatStoppedError(BaseException):
    """Unwinds a chat thread whose run is over: it was cancelled, or the process is stopping."""
