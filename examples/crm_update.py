"""A CRM change and the letter that goes with it, proposed together and decided each on its own.

Two agents are enough: the assistant proposes both calls in one message, the gatekeeper runs what
the account executive approves of them. Beside the change they read what the record says now; if
that is something else by the time the change is made, they are asked again. For a week they can
have the change undone, unless the record has changed since.
"""

# No `from __future__ import annotations` here: AutoGen 0.14 evaluates annotations that are strings
# in a module of its own, so that the model would not be shown what the arguments mean.

from typing import Annotated, Any

import autogen
from autogen import AssistantAgent

from countersign import (
    ApprovalProxy,
    Chat,
    Undo,
    WorkflowContext,
    current_execution,
    workflow,
)
from countersign.examples.back_office import (
    Crm,
    Mail,
    as_json,
    path_of,
)

ASSISTANT = """You are the CRM assistant. Look up the customer that the task names with
lookup_customer. Then propose in ONE message both calls: update_opportunity with the new stage,
amount and close date (keep what the task does not change), and send_email to the customer's
contact with a short, friendly letter about it. An account executive decides on each of them.
Every answer is JSON: status executed or executed_with_changes (use arguments_used, they are what
really ran), or not_executed with a cause. After cause rejected follow the feedback once with a
revised call; after status failed propose the call once more; otherwise leave it.
The result of send_email has sent_to, and not_sent_to if the mail server refused addresses: name
them and why, and do not send it to the others again.
Finish with one or two plain sentences that say what was changed, what was sent and what was not."""


RECORD = ("stage", "amount", "close_date")
UNDO = Undo(
    "update_opportunity",
    {
        "opportunity_id": "args.opportunity_id",
        **{name: f"result.before.{name}" for name in RECORD},
    },
    expects={f"{name}_now": f"result.{name}" for name in RECORD},
    within_s=7 * 24 * 3600,
)


def _is_last_word(message: dict[str, Any]) -> bool:
    """Text without calls: the assistant has finished."""
    return not (message.get("tool_calls") or message.get("function_call"))


@workflow(
    "crm_update",
    version="1",
    title="CRM update",
    triggers=("update", "move"),
    example="move Contoso to negotiation, 26,000 EUR, closing 2026-12-30",
)
def crm_update(context: WorkflowContext) -> Chat:
    """Build the two-agent chat."""
    crm = Crm.from_settings(context.settings)
    mail = Mail.from_settings(context.settings)

    async def lookup_customer(name: Annotated[str, "The customer's name or a part of it"]) -> str:
        return as_json({"customers": await crm.customers(name)})

    async def update_opportunity(
        opportunity_id: Annotated[str, "The opportunity, e.g. OPP-2041"],
        stage: Annotated[
            str, "prospecting, qualification, proposal, negotiation, closed_won or closed_lost"
        ],
        amount: Annotated[float, "The amount in the customer's currency"],
        close_date: Annotated[str, "When it is expected to close, YYYY-MM-DD"],
    ) -> str:
        body = {"stage": stage, "amount": amount, "close_date": close_date}
        path = path_of("opportunities", opportunity_id)
        was = await crm.api.read(path)
        now = await crm.write("PATCH", path, body, current_execution().token)
        return as_json({**now, "before": {name: was[name] for name in RECORD}})

    async def record_now(arguments: dict[str, Any]) -> dict[str, Any]:
        record = await crm.opportunity(arguments["opportunity_id"])
        return {f"{name}_now": record[name] for name in RECORD}

    async def send_email(
        to: Annotated[str, "The address"],
        subject: Annotated[str, "The subject, one line"],
        body: Annotated[str, "The letter as plain text"],
    ) -> str:
        sent = await mail.send(to, subject, body, current_execution().token)
        result: dict[str, Any] = {"message_id": sent.message_id, "sent_to": list(sent.accepted)}
        if sent.refused:
            result["not_sent_to"] = dict(sent.refused)
        return as_json(result)

    gatekeeper = ApprovalProxy(
        "gatekeeper",
        human_input_mode="NEVER",
        idempotent={"lookup_customer"},
        checks={"update_opportunity": record_now},
        undo={"update_opportunity": UNDO},
        is_termination_msg=_is_last_word,
    )
    assistant = AssistantAgent(
        "crm_assistant", system_message=ASSISTANT, llm_config=context.llm_config
    )
    for tool, description in (
        (lookup_customer, "Find customers with their contacts and opportunities."),
        (update_opportunity, "Change stage, amount and close date of an opportunity."),
        (send_email, "Send a letter to a customer."),
    ):
        autogen.register_function(
            tool, caller=assistant, executor=gatekeeper, name=tool.__name__, description=description
        )
    return Chat(starter=gatekeeper, recipient=assistant)
