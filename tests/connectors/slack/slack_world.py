"""People and settings of a workspace of Slack."""

from __future__ import annotations

from typing import Any

from countersign.sandbox.slack.people import identity
from countersign.sandbox.slack.server import Slack
from tests.doubles.directory import BEN, CARA

PEOPLE = (
    BEN.model_copy(update={"identities": {"slack": identity("alex")}}),
    CARA.model_copy(update={"identities": {"slack": identity("megan")}}),
)
"""Ben is Alex there, and Cara is Megan."""


def section(slack: Slack, **more: Any) -> dict[str, Any]:
    """`connectors.slack` for this workspace."""
    ready = slack.ready()
    return {
        "team_id": ready["team_id"],
        "token": ready["token"],
        "signing_secrets": [ready["signing_secret"]],
        "api_url": ready["api_url"],
        **more,
    }
