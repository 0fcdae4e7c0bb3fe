"""The ticket systems of a running stack, seen from outside: over their own APIs and switches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countersign.sandbox.asana.desk import AsanaDesk
from countersign.sandbox.desk import Desk
from countersign.sandbox.jira.desk import JiraDesk
from countersign.sandbox.remote import Remote
from countersign.sandbox.servicenow.desk import ServiceNowDesk
from tests.stack import Stack

DESKS: Mapping[str, type[ServiceNowDesk] | type[JiraDesk] | type[AsanaDesk]] = {
    "asana": AsanaDesk,
    "jira": JiraDesk,
    "servicenow": ServiceNowDesk,
}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "asana": {"poll_every": "1s"},
    "jira": {"poll_every": "1s", "index_lag": "1s"},
    "servicenow": {"poll_every": "1s"},
}
"""Of the connectors, where they differ from the local ones."""


def settings_of(*systems: str) -> Mapping[str, Mapping[str, Any]]:
    """What `stack(tickets=…)` takes for these systems."""
    return {system: SETTINGS[system] for system in systems}


def people_of(one: Stack) -> Remote:
    """The switches of Teams, of a running stack that has it."""
    return Remote(str(one.people["url"]), one.http)


def switches_of(one: Stack, system: str) -> Remote:
    """The switches of a ticket system of a running stack."""
    return Remote(str(one.tickets[system]["url"]), one.http)


def desk_of(one: Stack, system: str) -> Desk:
    """Where people work in it."""
    return DESKS[system](switches_of(one, system))


def lag(one: Stack, system: str, lag_s: float) -> None:
    """Let searches hear of changes this late, if the system is one in which they may."""
    if DESKS[system].lags:
        switches_of(one, system).call("PUT", "settings", {"index_lag_s": lag_s})


def lose_answer(one: Stack, system: str, number: int) -> None:
    """One more create is carried out and not answered: 503, or a reset if the number is odd."""
    kind = {"kind": "reset_after"} if number % 2 else {"kind": "error_after", "status": 503}
    switches_of(one, system).fail(**DESKS[system].create, **kind)


def faults_left(one: Stack, system: str) -> int:
    """How many lost answers are still to come."""
    return switches_of(one, system).failing()
