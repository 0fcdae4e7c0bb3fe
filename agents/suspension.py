"""How a chat is interrupted: it waits for people, its run may not go on, or its model failed."""

from __future__ import annotations

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import BesideGateError, CountersignError
from countersign.approvals.forms.causes import SessionCause


class ChatSuspendedError(BaseException):
    """Unwinds a framework to the session manager: the chat waits for people; all is stored.

    A BaseException, because frameworks turn an Exception inside a chat into a message.
    """


class ChatStoppedError(BaseException):
    """Unwinds a chat thread whose run is over: it was cancelled, or the process is stopping."""


class ModelError(CountersignError):
    """The language model, or its server, gave no answer. Its text is for people."""

    def __init__(self, words: str, cause: SessionCause, *, is_temporary: bool):
        """`cause` is that of a session that ends with it; `is_temporary` whether the server may
        answer if it is asked again later."""
        super().__init__(words)
        self.cause, self.is_temporary = cause, is_temporary


def words_of(error: Exception) -> str:
    """What happened, for the people in the thread."""
    if isinstance(error, CountersignError):
        return str(error)
    return well_formed(f"The chat stopped on an error: {type(error).__name__}: {error}")


def refusal_behind(error: BaseException) -> BesideGateError | None:
    """The refusal that an exception was made of, if it was."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, BesideGateError):
            return cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return None
