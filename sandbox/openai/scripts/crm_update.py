"""The assistant of the CRM update: two proposals at once, then what the decisions leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countersign.sandbox.openai.conversation import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from countersign.sandbox.openai.scripts.language import (
    Terms,
    customer_name,
    money,
    terms,
)
from countersign.sandbox.openai.scripts.outcomes import (
    Outcome,
    call,
    not_done,
    read,
    temporary,
    together,
    why_not,
)

_NEXT_STAGE = {
    "prospecting": "qualification",
    "qualification": "proposal",
    "proposal": "negotiation",
}
MAX_ATTEMPTS = 2


def assistant(conversation: Conversation) -> Reply:
    """Look up, propose both, follow each decision once, report."""
    return _with_tools(conversation, "update_opportunity", "send_email")


def clerk(conversation: Conversation) -> Reply:
    """The same without the letter, which another chat writes."""
    return _with_tools(conversation, "update_opportunity")


def letter_writer(conversation: Conversation) -> Reply:
    """Only the letter."""
    return _with_tools(conversation, "send_email")


def _with_tools(conversation: Conversation, *tools: str) -> Reply:
    name = customer_name(conversation.task)
    if not name:
        return Say(
            'Which customer is it about? For example: "move Contoso to negotiation, 26,000 EUR".'
        )
    lookups = conversation.results_of("lookup_customer")
    if not lookups:
        return Call(
            (call(conversation, "lookup_customer", f"I need the record of {name}.", name=name),)
        )
    found = read(lookups[-1])
    customers = found.result.get("customers") if isinstance(found.result, Mapping) else None
    if customers is None:
        return Say(
            f"Nothing was changed: the record of {name} could not be read, "
            f"{why_not(found) or 'unexpected answer'}."
        )
    if len(customers) != 1 or not customers[0]["opportunities"]:
        which = "has no customer called" if not customers else "has no single open opportunity for"
        return Say(f"Nothing was changed: the CRM {which} {name}.")
    customer = customers[0]
    updates = [read(result) for result in conversation.results_of("update_opportunity")]
    mails = [read(result) for result in conversation.results_of("send_email")]
    if not updates and not mails:
        wanted = _wanted(customer["opportunities"][0], terms(conversation.task))
        change = _update(conversation, wanted, customer, None)
        letter = _mail(conversation, customer, wanted, "", None)
        return together(*(each for each in (change, letter) if each.name in tools))
    again = [
        *_update_again(conversation, customer, updates),
        *_mail_again(conversation, customer, updates, mails),
    ]
    return together(*again) if again else Say(_report(customer, updates, mails))


def _wanted(opportunity: Mapping[str, Any], asked: Terms) -> dict[str, Any]:
    stage = opportunity["stage"]
    return {
        "opportunity_id": opportunity["id"],
        "stage": asked.stage or _NEXT_STAGE.get(stage, stage),
        "amount": asked.amount if asked.amount is not None else opportunity["amount"],
        "close_date": asked.close_date or opportunity["close_date"],
    }


def _update(
    conversation: Conversation,
    wanted: Mapping[str, Any],
    customer: Mapping[str, Any],
    why: str | None,
) -> ToolCall:
    opportunity = customer["opportunities"][0]
    reason = why or (
        f"The task asks for it; {opportunity['id']} is in {opportunity['stage']} with "
        f"{money(opportunity['amount'], customer['currency'])}, "
        f"closing {opportunity['close_date']}."
    )
    return call(conversation, "update_opportunity", reason, **wanted)


def _mail(
    conversation: Conversation,
    customer: Mapping[str, Any],
    wanted: Mapping[str, Any],
    feedback: str,
    why: str | None,
) -> ToolCall:
    """The letter; the feedback makes it shorter or takes the figures out."""
    first_name = customer["contact_name"].partition(" ")[0]
    opportunity = customer["opportunities"][0]["name"]
    words = feedback.lower()
    amount = money(float(wanted["amount"]), customer["currency"])
    figures = f" We have noted {amount} and {wanted['close_date']} as our target date."
    if any(word in words for word in ("amount", "price", "number", "figure", "date")):
        figures = ""
    middle = f"thank you for the good conversation about {opportunity}.{figures}"
    closing = "Please tell me if you see it differently; I am glad to call you.\n\n"
    if any(word in words for word in ("short", "brief", "long")):
        closing = "\n"
    return call(
        conversation,
        "send_email",
        why or f"{customer['contact_name']} should hear from us what we noted.",
        to=customer["contact_email"],
        subject=f"{opportunity}: next steps",
        body=f"Dear {first_name},\n\n{middle}\n{closing}Kind regards,\nYour account team\n",
    )


def _update_again(
    conversation: Conversation, customer: Mapping[str, Any], updates: list[Outcome]
) -> list[ToolCall]:
    if not updates or len(updates) >= MAX_ATTEMPTS:
        return []
    last = updates[-1]
    if temporary(last):
        return [
            _update(
                conversation, last.arguments, customer, f"The first attempt failed ({last.words})."
            )
        ]
    asked = terms(last.words)
    if last.status != "rejected" or asked.stop or not asked.any:
        return []
    changes = {"stage": asked.stage, "amount": asked.amount, "close_date": asked.close_date}
    wanted = {
        **last.arguments,
        **{key: value for key, value in changes.items() if value is not None},
    }
    if wanted == dict(last.arguments):
        return []
    return [
        _update(
            conversation, wanted, customer, f"Revised after the feedback \u201c{last.words}\u201d."
        )
    ]


def _mail_again(
    conversation: Conversation,
    customer: Mapping[str, Any],
    updates: list[Outcome],
    mails: list[Outcome],
) -> list[ToolCall]:
    if not mails or len(mails) >= MAX_ATTEMPTS:
        return []
    last = mails[-1]
    if temporary(last):
        why = f"The first attempt failed ({last.words})."
        return [call(conversation, "send_email", why, **last.arguments)]
    if last.status != "rejected" or terms(last.words).stop or not updates:
        return []
    why = f"Rewritten after the feedback \u201c{last.words}\u201d."
    fresh = _mail(conversation, customer, updates[-1].arguments, last.words, why)
    same = {key: value for key, value in fresh.arguments.items() if key != "rationale"} == dict(
        last.arguments
    )
    return [] if same else [fresh]


def _report(customer: Mapping[str, Any], updates: list[Outcome], mails: list[Outcome]) -> str:
    sentences = []
    if updates:
        last = updates[-1]
        used = last.arguments
        sentences.append(
            f"{used['opportunity_id']} of {customer['name']} is now in {used['stage']} with "
            f"{money(float(used['amount']), customer['currency'])}, closing {used['close_date']}."
            if last.executed
            else not_done(
                f"The opportunity of {customer['name']} was not changed",
                f"the opportunity of {customer['name']} was changed",
                last,
            )
        )
    if mails:
        last = mails[-1]
        sentences.append(
            _letter(last)
            if last.executed
            else not_done("No letter was sent", "the letter was sent", last)
        )
    return " ".join(sentences)


def _letter(sent: Outcome) -> str:
    """Who got the letter, and who did not."""
    told = sent.result if isinstance(sent.result, Mapping) else {}
    reached = ", ".join(told.get("sent_to") or (sent.arguments["to"],))
    refused = ", ".join(f"{who} ({why})" for who, why in told.get("not_sent_to", {}).items())
    said = f"The letter \u201c{sent.arguments['subject']}\u201d went to {reached}."
    return f"{said} It did not go to {refused}." if refused else said
