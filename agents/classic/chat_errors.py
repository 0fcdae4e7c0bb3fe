"""What an exception out of a chat means for its session: try again later, or stop and say why."""

from __future__ import annotations

import openai

from countersign.agents.classic.model_answers import NoAnswerError
from countersign.agents.classic.witness import MalformedAnswerError
from countersign.agents.storable import storable
from countersign.approvals.errors import BesideGateError, CountersignError
from countersign.approvals.forms.causes import SessionCause

_AGAIN = (
    openai.APIConnectionError,
    openai.RateLimitError,
    openai.InternalServerError,
    TimeoutError,  # AutoGen's translation of openai.APITimeoutError
)


def is_temporary(error: Exception) -> bool:
    """Whether the model server may answer if it is asked again later."""
    if isinstance(error, openai.APIStatusError) and error.status_code in (408, 409):
        return True
    return isinstance(error, _AGAIN) or is_malformed(error)


def is_malformed(error: Exception) -> bool:
    """Whether the model's server did answer, but with what is no answer."""
    return isinstance(error, MalformedAnswerError) or isinstance(error.__cause__, NoAnswerError)


def cause_of(error: Exception) -> SessionCause:
    """The cause with which a session fails after this error."""
    if is_malformed(error):
        return SessionCause.MALFORMED
    if isinstance(error, openai.APIStatusError) and error.code == "content_filter":
        return SessionCause.MODEL_FILTERED
    return SessionCause.MODEL_UNAVAILABLE if is_temporary(error) else SessionCause.ERROR


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


def describe(error: Exception) -> str:
    """What happened and what to do, for the people in the thread. No bodies, no keys."""
    match error:
        case CountersignError():
            return str(error)
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return (
                f"The language model refused our key (HTTP {error.status_code}). "
                "Set a valid OPENAI_API_KEY (or the Azure key) and restart; then start again."
            )
        case openai.NotFoundError():
            return "The language model does not exist there (HTTP 404). Check OPENAI_MODEL."
        case openai.RateLimitError():
            return "The language model is over its limit (HTTP 429)."
        case openai.APITimeoutError() | TimeoutError():
            return "The language model did not answer in time."
        case openai.APIConnectionError() if is_malformed(error):
            return str(error.__cause__)
        case openai.APIStatusError() if error.code == "content_filter":
            return "The model gave no answer: it was stopped by the content filter of its server."
        case openai.APIConnectionError():
            return "The language model cannot be reached."
        case openai.APIStatusError():
            code = f", {error.code}" if error.code else ""
            return f"The language model answered HTTP {error.status_code}{code}."
        case _:
            return storable(f"The chat stopped on an error: {type(error).__name__}: {error}")
