"""Jira (Cloud, Data Center, service management) with state, strict as its documentation."""

from countersign.sandbox.jira.people import (
    ACCOUNTS,
    ADELE,
    ALEX,
    BOT,
    MALLORY,
    MEGAN,
    SAM,
)
from countersign.sandbox.jira.persona import Persona
from countersign.sandbox.jira.refusals import JiraError
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.jira.webhooks import SECRET, Delivery

__all__ = [
    "ACCOUNTS",
    "ADELE",
    "ALEX",
    "BOT",
    "MALLORY",
    "MEGAN",
    "SAM",
    "SECRET",
    "Delivery",
    "Jira",
    "JiraError",
    "Persona",
]
