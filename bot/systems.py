"""The systems that this product knows: a new one is its package and one line here."""

from __future__ import annotations

from typing import Any

from countersign.bot.teams.system import SYSTEM as TEAMS
from countersign.connectors.asana.system import SYSTEM as ASANA
from countersign.connectors.email.system import SYSTEM as EMAIL
from countersign.connectors.jira.system import SYSTEM as JIRA
from countersign.connectors.servicenow.system import SYSTEM as SERVICENOW
from countersign.connectors.slack.system import SYSTEM as SLACK
from countersign.connectors.system import System
from countersign.connectors.webhook.system import SYSTEM as WEBHOOK

SYSTEMS: tuple[System[Any], ...] = (TEAMS, JIRA, SERVICENOW, ASANA, EMAIL, SLACK, WEBHOOK)
"""In this order they are opened, and the first one that is used asks where a rule says nothing."""
