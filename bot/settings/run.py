"""The `run` section: what `countersign run` starts beside the server, on one's own machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import StringConstraints

from countersign.approvals.models import Value

StandIn: TypeAlias = Literal[
    "crm",
    "mailbox",
    "jira",
    "servicenow",
    "provisioning",
    "salesforce",
    "clm",
    "docusign",
    "erp",
    "zendesk",
    "sendgrid",
    "hubspot",
    "cpq",
]
ScriptName: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.\w+)*(:[A-Za-z_]\w*)?$")
]

STATE = Path(".local")
"""What `countersign run` keeps, in the folder in which it was started."""
LOCAL_DATABASE = STATE / "countersign.db"


class RunSettings(Value):
    """A server in production does not look at it."""

    model: ScriptName | None = None
    """`module:name` of a ModelScript, for when there is no key of a real model; None takes the
    script of the examples."""
    stand_ins: tuple[StandIn, ...] = ()
    """The systems to play."""
