"""Jira (Cloud, Data Center, service management) with state, strict as its documentation."""

from sandbox.jira.people import ACCOUNTS, ADELE, ALEX, BOT, MALLORY, MEGAN, SAM
from sandbox.jira.persona import Persona
from sandbox.jira.refusals import JiraError
from sandbox.jira.server import Jira
from sandbox.jira.webhooks import SECRET, Delivery

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
