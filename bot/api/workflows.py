"""Workflows: what can be started here."""

from __future__ import annotations

from pydantic import Field

from countersign.approvals.models import Value
from countersign.bot.api.operation import Call, Operation


class WorkflowBody(Value):
    """One workflow that can be started."""

    name: str = Field(description="By which it is started.")
    title: str
    triggers: list[str] = Field(
        description="Words with which a message to the bot begins that starts it."
    )
    example: str = Field(description='A task that works; "" if it names none.')
    tools: list[str]
    agents: list[str]


class WorkflowList(Value):
    """All workflows, in the order of the configuration."""

    items: list[WorkflowBody]
    next: None = None


async def known(call: Call) -> WorkflowList:
    """What the caller can start."""
    names = tuple(WorkflowBody.model_fields)
    return WorkflowList(
        items=[
            WorkflowBody.model_validate({name: getattr(each, name) for name in names})
            for each in call.services.sessions.known()
        ]
    )


OPERATIONS = (Operation("GET", "/api/v1/workflows", "List workflows", known, WorkflowList),)
