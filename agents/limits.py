"""Limits on what agents propose: loops, and more than people can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from countersign.approvals.models import Value


class ProposalLimits(Value):
    """How much agents may propose. Each default is far above what useful chats do."""

    requests_per_message: int = Field(default=20, ge=1)
    """Calls in one message of an agent; nothing of a longer one is asked or run."""
    requests_per_session: int = Field(default=500, ge=1)
    identical_calls: int = Field(default=10, ge=1)
    """Messages in a row with the very same calls; the next ones are refused, then the session
    ends."""
    denied_calls: int = Field(default=10, ge=1)
    """Messages in a row of which no call was let run, by a rule or by people."""
    silent_answers: int = Field(default=5, ge=1)
    """Answers of the model in a row without words and calls."""


@dataclass(frozen=True)
class NotAsked:
    """Why a message's calls are not even asked, for the agents and for people."""

    limit: str
    """The setting's name."""
    words: str
    retry: bool = False
    ends: bool = False
    """Whether the chat ends with it."""


DEFAULT_LIMITS = ProposalLimits()
ENDED_BY_PERSON = NotAsked("ended_by_person", "A person ended the chat.", ends=True)
