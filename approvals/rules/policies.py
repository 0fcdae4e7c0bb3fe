"""Policies: the one that rules now, and how another one takes its place while the server runs."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from countersign.approvals.models import JsonObject, People, Session
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.policy import Policy


class Policies(Protocol):
    """Where the policy is asked for. One step of work asks once, and keeps what it got."""

    @property
    def current(self) -> Policy:
        """The policy that rules now."""


class LivePolicy:
    """The policy of a server, which may be replaced at any time."""

    def __init__(self, policy: Policy):
        self._policy = policy

    @property
    def current(self) -> Policy:
        """The policy that rules now."""
        return self._policy

    def replace(self, policy: Policy) -> None:
        """Rule by this one from now on."""
        self._policy = policy


def situation_of(
    session: Session, people: People, at: datetime, seen: JsonObject | None = None
) -> Situation:
    """Where a call of a session stands. `at` is when it was proposed, and `seen` what was counted
    then, also for whoever asks later: what was asked within business hours stays so. The roles are
    today's."""
    person, known = people.by_id(session.owner), seen or {}
    return Situation.made(
        workflow=session.workflow,
        requester=session.owner,
        roles=frozenset() if person is None else person.roles,
        at=at,
        history=known.get("history"),
        batch=known.get("batch"),
        rollout=known.get("rollout"),
    )
