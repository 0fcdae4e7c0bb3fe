"""A quote from the CRM record to the released offer; the sales manager signs before it is released.

The analyst reads the record, the quoter proposes, the gatekeeper runs the tools. `release_quote`
waits for a person; what follows from it (stage, activity) runs by rule.
"""

# No `from __future__ import annotations` here: AutoGen 0.14 evaluates annotations that are strings
# in a module of its own, so that the model would not be shown what the arguments mean.

from typing import Annotated

import autogen
from autogen import Agent, AssistantAgent, GroupChat, GroupChatManager

from countersign import (
    ApprovalProxy,
    Chat,
    WorkflowContext,
    current_execution,
    workflow,
)
from countersign.examples.back_office import Crm, as_json, path_of

ANALYST = """You are the sales analyst. Look up the customer that the task names with
lookup_customer, exactly once. Then tell the quoter in a few lines what matters for the quote: the
customer's id, tier, currency, list price per seat, standard discount, the opportunity that fits,
and what the task asks for. If there is no such customer, say so. Never invent a record."""

QUOTER = """You are the quoter. Work out the offer from the analyst's record: amount = seats x list
price per seat x (1 - discount), the customer's standard discount unless the task says otherwise.
Propose it with release_quote; a sales manager decides. Its answer is JSON:
- status executed or executed_with_changes: the quote is out, with arguments_used if they were
  changed. Call update_stage and log_activity together in one message, with what really ran.
- cause rejected: follow the feedback and propose a revised quote, or stop if you are told to.
- status failed: nothing or not everything happened. Propose it once more and say why; if it fails
  again, stop and say who should look at it.
- anything else (expired, denied_by_policy, in_doubt, shadow): do not call release_quote again.
Finish with one or two plain sentences: the quote number, the amount that really ran, and what did
not work. Never claim a quote that was not executed."""

MAX_ROUND = 30


def next_speaker(last: Agent, chat: GroupChat) -> Agent | None:
    """Calls go to the gatekeeper, their results back to the caller; the quoter's word ends it.

    Reads only the messages, so that a chat resumed in another process goes on as it would have.
    """
    message = chat.messages[-1]
    if message.get("tool_calls") or message.get("function_call"):
        return chat.agent_by_name("gatekeeper")
    if message.get("role") in ("tool", "function"):
        for earlier in reversed(chat.messages):
            if earlier.get("tool_calls") or earlier.get("function_call"):
                return chat.agent_by_name(str(earlier["name"]))
    if last.name == "quoter":
        return None
    return chat.agent_by_name("quoter" if last.name == "analyst" else "analyst")


@workflow(
    "sales_quote",
    version="1",
    title="Sales quote",
    triggers=("quote",),
    example="quote for Contoso, 25 seats",
)
def sales_quote(context: WorkflowContext) -> Chat:
    """Build the group chat."""
    crm = Crm.from_settings(context.settings)

    async def lookup_customer(name: Annotated[str, "The customer's name or a part of it"]) -> str:
        return as_json({"customers": await crm.customers(name)})

    async def release_quote(
        customer_id: Annotated[str, "The customer, e.g. CUST-1001"],
        opportunity_id: Annotated[str, "One of the customer's opportunities, e.g. OPP-2041"],
        amount: Annotated[float, "The total per year after the discount, in the currency"],
        currency: Annotated[str, "The customer's currency, three letters"],
        discount_percent: Annotated[float, "The discount on the list price, 0 to 100"],
        valid_days: Annotated[int, "How many days the offer stands"],
    ) -> str:
        body = {
            "customer_id": customer_id,
            "opportunity_id": opportunity_id,
            "amount": amount,
            "currency": currency,
            "discount_percent": discount_percent,
            "valid_days": valid_days,
        }
        return as_json(await crm.write("POST", "/quotes", body, current_execution().token))

    async def update_stage(
        opportunity_id: Annotated[str, "The opportunity, e.g. OPP-2041"],
        stage: Annotated[
            str, "prospecting, qualification, proposal, negotiation, closed_won or closed_lost"
        ],
    ) -> str:
        path = path_of("opportunities", opportunity_id)
        return as_json(await crm.write("PATCH", path, {"stage": stage}, current_execution().token))

    async def log_activity(
        customer_id: Annotated[str, "The customer, e.g. CUST-1001"],
        text: Annotated[str, "What happened, for the next person who opens the record"],
    ) -> str:
        body = {"customer_id": customer_id, "text": text}
        return as_json(await crm.write("POST", "/activities", body, current_execution().token))

    gatekeeper = ApprovalProxy(
        "gatekeeper", human_input_mode="NEVER", idempotent={"lookup_customer"}
    )
    analyst = AssistantAgent("analyst", system_message=ANALYST, llm_config=context.llm_config)
    quoter = AssistantAgent("quoter", system_message=QUOTER, llm_config=context.llm_config)
    for caller, tool, description in (
        (analyst, lookup_customer, "Find customers with their prices and opportunities."),
        (quoter, release_quote, "Release a quote to the customer through the CPQ system."),
        (quoter, update_stage, "Move an opportunity to another stage."),
        (quoter, log_activity, "Log what happened in the customer's record."),
    ):
        autogen.register_function(
            tool, caller=caller, executor=gatekeeper, name=tool.__name__, description=description
        )
    chat = GroupChat(
        agents=[gatekeeper, analyst, quoter],
        messages=[],
        max_round=MAX_ROUND,
        speaker_selection_method=next_speaker,
    )
    return Chat(starter=gatekeeper, recipient=GroupChatManager(chat, llm_config=False))
