"""Translates errors of the model and its server: try again later, or stop and say why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import openai

from countersign.agents.classic.answer_log import MalformedAnswerError
from countersign.agents.classic.model_answers import NoAnswerError
from countersign.agents.suspension import ModelError
from countersign.approvals.forms.causes import SessionCause

_AGAIN = (
    openai.APIConnectionError,
    openai.RateLimitError,
    openai.InternalServerError,
    TimeoutError,  # AutoGen's translation of openai.APITimeoutError
)


@contextmanager
def translated() -> Iterator[None]:
    """What the model or its server raises in this block is raised as a ModelError."""
    try:
        yield
    except Exception as exc:
        words = _words(exc)
        if words is None:
            raise
        raise ModelError(words, _cause_of(exc), is_temporary=_is_temporary(exc)) from exc


def _is_temporary(error: Exception) -> bool:
    if isinstance(error, openai.APIStatusError) and error.status_code in (408, 409):
        return True
    return isinstance(error, _AGAIN) or _is_malformed(error)


def _is_malformed(error: Exception) -> bool:
    """Whether the model's server did answer, but with what is no answer."""
    return isinstance(error, MalformedAnswerError) or isinstance(error.__cause__, NoAnswerError)


def _cause_of(error: Exception) -> SessionCause:
    if _is_malformed(error):
        return SessionCause.MALFORMED
    if isinstance(error, openai.APIStatusError) and error.code == "content_filter":
        return SessionCause.MODEL_FILTERED
    return SessionCause.MODEL_UNAVAILABLE if _is_temporary(error) else SessionCause.ERROR


def _words(error: Exception) -> str | None:
    """What happened and what to do; None for what is no error of the model. No bodies, no keys."""
    match error:
        case MalformedAnswerError():
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
        case openai.APIConnectionError() if _is_malformed(error):
            return str(error.__cause__)
        case openai.APIStatusError() if error.code == "content_filter":
            return "The model gave no answer: it was stopped by the content filter of its server."
        case openai.APIConnectionError():
            return "The language model cannot be reached."
        case openai.APIStatusError():
            code = f", {error.code}" if error.code else ""
            return f"The language model answered HTTP {error.status_code}{code}."
        case _:
            return None
