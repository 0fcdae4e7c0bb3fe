"""Causes: why a session is over, kept with the session and said to people."""

from __future__ import annotations

from enum import StrEnum

from countersign.approvals.forms.wording import as_text
from countersign.approvals.models import JsonObject, SessionStatus, Value


class SessionCause(StrEnum):
    """Why a session ended. `completed` means that there is an answer; all else has `failed`."""

    ANSWERED = "answered"
    ENDED_BY_PERSON = "ended_by_person"
    """A person whom a user proxy asked typed the word that ends the chat."""
    LIMIT = "limit"
    """max_round, max_turns, max_consecutive_auto_reply, or a limit of our own (`limits`)."""
    NOT_ASKED = "not_asked"
    """The chat ended, not at a limit, with a proposed call that was neither asked nor run."""
    MODEL_REFUSED = "model_refused"
    MODEL_FILTERED = "model_filtered"
    CUT_OFF = "cut_off"
    """The model's last answer reached its limit of tokens."""
    CALL_AS_TEXT = "call_as_text"
    """The model wrote a call in words, which nobody runs."""
    NOTHING_SAID = "nothing_said"
    """Nothing was said and nothing was run."""
    NOBODY_ANSWERED = "nobody_answered"
    """A user proxy's question had no answer in time."""
    MALFORMED = "malformed"
    """The model's server sent what is no answer, again and again."""
    MODEL_UNAVAILABLE = "model_unavailable"
    BESIDE_GATE = "beside_gate"
    """Something was about to run outside of an approved execution."""
    ERROR = "error"
    CANCELLED = "cancelled"
    CANARY = "canary"
    """A test of whether people look has ended: no agents were ever there."""


class OpenCall(Value):
    """A proposed call that was neither asked nor run, and why."""

    call_id: str
    tool: str
    arguments: JsonObject
    agent: str
    reason: str

    def entry(self) -> tuple[str, JsonObject]:
        """Its entry on the ledger."""
        return "not_asked", self.model_dump()


class Ending(Value):
    """How a chat came to its end."""

    cause: SessionCause
    answer: str = ""
    """The last words of the agents; "" where they are no answer."""
    words: str = ""
    """One or two sentences for people; "" where the answer says it all."""
    open_calls: tuple[OpenCall, ...] = ()

    @property
    def status(self) -> SessionStatus:
        """Completed only where there is an answer, or what was asked for was done."""
        good = self.cause in (SessionCause.ANSWERED, SessionCause.ENDED_BY_PERSON)
        at_limit = self.cause is SessionCause.LIMIT and self.answer and not self.open_calls
        return SessionStatus.COMPLETED if good or at_limit else SessionStatus.FAILED

    def notice(self) -> str:
        """What the thread of the session is told, in Markdown."""
        answer, words = as_text(self.answer), as_text(self.words)
        match self.cause:
            case SessionCause.ANSWERED:
                # Whether anything ran is said by the lines of each request.
                return f"**Finished.** {answer}".strip()
            case SessionCause.ENDED_BY_PERSON:
                return f"**Ended.** {words} {answer}".strip()
            case _:
                return f"**Stopped.** {words}{f' The last words: {answer}' if answer else ''}"
