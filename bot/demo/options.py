"""The words that `countersign demo` takes."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

WorkflowName: TypeAlias = Literal[
    "sales_quote",
    "crm_update",
    "it_change",
    "salesforce_update",
    "contract_redline",
    "financial_report",
    "support_reply",
    "outreach",
    "hubspot_update",
    "cpq_quote",
    "renewal",
]
DecisionName: TypeAlias = Literal["approve", "reject", "modify"]
FrontName: TypeAlias = Literal[
    "teams", "jira", "servicenow", "asana", "slack", "email", "webhook", "inbox", "api"
]
STAND_INS = {
    "jira": "Jira",
    "servicenow": "ServiceNow",
    "asana": "Asana",
    "slack": "Slack",
    "email": "A mail server",
    "webhook": "A program of one's own",
}

WorkflowOption: TypeAlias = Annotated[WorkflowName, typer.Option(help="Which group chat.")]
DecideOption: TypeAlias = Annotated[
    DecisionName,
    typer.Option(help="What Alex does with the first request; what follows is approved."),
]
FrontOption: TypeAlias = Annotated[FrontName, typer.Option(help="Where Alex decides.")]
