"""A renewal in three chats side by side: the record, the letter and the note for the next visit.

What the first two propose is decided as one checkpoint; the third needs nobody and is done
meanwhile. So an account executive sees the change and the letter about it beside each other, with
which branch wants it, and nothing of both runs before both are decided.
"""

# No `from __future__ import annotations` here: AutoGen 0.14 evaluates annotations that are strings
# in a module of its own, so that the model would not be shown what the arguments mean.

from collections.abc import Callable
from typing import Annotated, Any

import autogen
from autogen import AssistantAgent

from countersign import (
    ApprovalProxy,
    Chat,
    Parallel,
    WorkflowContext,
    current_execution,
    workflow,
)
from countersign.examples.back_office import Crm, Mail, as_json, path_of

ANSWERS = """Every answer is JSON: status executed or executed_with_changes (use arguments_used,
what really ran), or not_executed with a cause. After cause rejected follow the feedback once
with a revised call; after status failed propose the call once more; otherwise leave it.
Finish with one plain sentence that says what was done and what was not."""
CLERK = f"""You are the renewal clerk. Look up the customer whom the task names with
lookup_customer. Then propose update_opportunity with the new stage, amount and close date;
keep what the task does not change. An account executive decides. {ANSWERS}"""
LETTERS = f"""You are the renewal letter writer. Look up the customer that the task names with
lookup_customer. Then propose send_email to the customer's contact: a short, friendly letter about
the renewal. An account executive decides. {ANSWERS}"""
HISTORIAN = """You are the account historian. Look up the customer that the task names with
lookup_customer, then write with log_activity what was asked for, for whoever opens the record next.
Finish with one plain sentence."""

Tool = tuple[Callable[..., Any], str]
"""A function, and what it is for."""


def _is_last_word(message: dict[str, Any]) -> bool:
    """Text without calls: the assistant has finished."""
    return not (message.get("tool_calls") or message.get("function_call"))


def _branch(context: WorkflowContext, name: str, instructions: str, *tools: Tool) -> Chat:
    """An assistant and its gatekeeper."""
    gatekeeper = ApprovalProxy(
        f"{name}_gatekeeper",
        human_input_mode="NEVER",
        idempotent={"lookup_customer"},
        is_termination_msg=_is_last_word,
    )
    assistant = AssistantAgent(
        f"{name}_assistant", system_message=instructions, llm_config=context.llm_config
    )
    for tool, description in tools:
        autogen.register_function(
            tool, caller=assistant, executor=gatekeeper, name=tool.__name__, description=description
        )
    return Chat(starter=gatekeeper, recipient=assistant)


@workflow(
    "renewal",
    version="1",
    title="Renewal",
    triggers=("renew",),
    example="renew Contoso, 26,000 EUR, closing 2026-12-30",
)
def renewal(context: WorkflowContext) -> Parallel:
    """Build the three chats."""
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
        return as_json(await crm.write("PATCH", path, body, current_execution().token))

    async def send_email(
        to: Annotated[str, "The address"],
        subject: Annotated[str, "The subject, one line"],
        body: Annotated[str, "The letter as plain text"],
    ) -> str:
        sent = await mail.send(to, subject, body, current_execution().token)
        return as_json({"message_id": sent.message_id, "sent_to": list(sent.accepted)})

    async def log_activity(
        customer_id: Annotated[str, "The customer, e.g. CUST-1001"],
        text: Annotated[str, "What happened, for the next person who opens the record"],
    ) -> str:
        body = {"customer_id": customer_id, "text": text}
        return as_json(await crm.write("POST", "/activities", body, current_execution().token))

    find = (lookup_customer, "Find customers with their contacts and opportunities.")
    change = (update_opportunity, "Change stage, amount and close date of an opportunity.")
    write = (send_email, "Send a letter to a customer.")
    note = (log_activity, "Log what happened in the customer's record.")
    return Parallel(
        {
            "record": _branch(context, "record", CLERK, find, change),
            "letter": _branch(context, "letter", LETTERS, find, write),
            "history": _branch(context, "history", HISTORIAN, find, note),
        }
    )
