"""The peers' job as a workflow of a real server: its model answers at once, inside the process."""

from __future__ import annotations

from typing import Any

from bench.ours.workflow_names import GROUP
from bench.ours.workflows import CONTEXT, WORKFLOWS
from bench.payload import TOOL
from countersign import Chat, Parallel, WorkflowContext, workflow

REFUND = "refund"


@workflow(REFUND, version="1", title="A refund")
def refund(_: WorkflowContext) -> Chat | Parallel:
    """The group chat that the peers are compared with."""
    return WORKFLOWS[GROUP](CONTEXT)


def configure(settings: dict[str, Any]) -> None:
    """Serve this workflow; Alex approves it, and is an administrator."""
    settings["workflows"]["modules"] = [__name__]
    rule = {"effect": "require_approval", "roles": ["sales_manager"], "deadline": "1d"}
    settings["policy"]["tools"] = {TOOL: rule}
    settings["policy"]["administrators"] = {"roles": ["sales_manager"]}
