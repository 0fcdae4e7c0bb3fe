"""What the scripted model says in the examples, chosen by the agent's system message."""

from __future__ import annotations

from collections.abc import Callable

from countersign.sandbox.openai.conversation import Conversation, Reply, Say
from countersign.sandbox.openai.scripts import (
    contract_redline,
    cpq_quote,
    crm_update,
    deal_update,
    financial_report,
    it_change,
    outreach,
    renewal,
    sales_quote,
    support_reply,
)
from countersign.sandbox.openai.scripts.speaker import next_speaker

_AGENTS: dict[str, Callable[[Conversation], Reply]] = {
    "You are the sales analyst": sales_quote.analyst,
    "You are the quoter": sales_quote.quoter,
    "You are the CRM assistant": crm_update.assistant,
    "You are the renewal clerk": crm_update.clerk,
    "You are the renewal letter writer": crm_update.letter_writer,
    "You are the account historian": renewal.historian,
    "You are the Salesforce assistant": deal_update.assistant(deal_update.SALESFORCE),
    "You are the HubSpot assistant": deal_update.assistant(deal_update.HUBSPOT),
    "You are the CPQ quoter": cpq_quote.quoter,
    "You are the outreach writer": outreach.writer,
    "You are the IT change planner": it_change.planner,
    "You are the provisioner": it_change.provisioner,
    "You are the contract reviewer": contract_redline.reviewer,
    "You are the redliner": contract_redline.redliner,
    "You are the bookkeeper": financial_report.bookkeeper,
    "You are the variance analyst": financial_report.analyst,
    "You are the report writer": financial_report.writer,
    "You are the support researcher": support_reply.researcher,
    "You are the support writer": support_reply.writer,
}


def reply(conversation: Conversation) -> Reply:
    """The answer of the script that knows this agent."""
    if conversation.is_speaker_selection:
        return Say(next_speaker(conversation))
    for opening, script in _AGENTS.items():
        if opening in conversation.agent:
            return script(conversation)
    return Say(
        "I am the scripted model of the sandbox and know only the example workflows. Set "
        "OPENAI_API_KEY (or the Azure settings) to use a real model, or give me rules "
        "at /_sandbox/script."
    )
