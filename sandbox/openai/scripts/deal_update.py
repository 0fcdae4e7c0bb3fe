"""The assistants that change a deal in a CRM of some vendor: look up, propose once, follow the
decision once, report."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from countersign.sandbox.openai.conversation import Conversation, Reply, Say
from countersign.sandbox.openai.scripts.language import customer_name, terms
from countersign.sandbox.openai.scripts.outcomes import (
    Outcome,
    call,
    not_done,
    read,
    together,
    why_not,
)

MAX_ATTEMPTS = 2


@dataclass(frozen=True)
class Vendor:
    """How the tools of one vendor are called."""

    name: str
    """As people write it in a task."""
    find: str
    account: str
    """The argument of `find`."""
    found: str
    """Under this it answers with a list of `{id, name, account, stage, amount, close_date}`, beside
    `stages`."""
    change: str
    key: str
    """The argument of `change` that says which one."""


SALESFORCE = Vendor(
    "Salesforce",
    "find_opportunities",
    "account",
    "opportunities",
    "change_opportunity",
    "opportunity_id",
)
HUBSPOT = Vendor("HubSpot", "find_deals", "customer", "deals", "change_deal", "deal_id")


def assistant(vendor: Vendor) -> Callable[[Conversation], Reply]:
    """The script of one vendor's assistant."""
    return lambda conversation: _reply(vendor, conversation)


def _reply(vendor: Vendor, conversation: Conversation) -> Reply:
    task = re.sub(rf"^\s*{vendor.name}\s*:\s*", "", conversation.task, flags=re.IGNORECASE)
    name = customer_name(task)
    if not name:
        return Say("Which account is it about?")
    lookups = conversation.results_of(vendor.find)
    if not lookups:
        why = f"I need the records of {name}."
        return together(call(conversation, vendor.find, why, **{vendor.account: name}))
    answer = read(lookups[-1])
    if not isinstance(answer.result, Mapping) or vendor.found not in answer.result:
        why = why_not(answer) or "unexpected answer"
        return Say(f"Nothing was changed: {vendor.name} could not be asked about {name}, {why}.")
    deals, stages = answer.result[vendor.found], answer.result["stages"]
    if len(deals) != 1:
        how = "nothing" if not deals else "more than one deal"
        return Say(f"Nothing was changed: {vendor.name} has {how} for {name}.")
    deal = deals[0]
    proposals = [read(result) for result in conversation.results_of(vendor.change)]
    if not proposals:
        why = (
            f"The task asks for it: {deal['name']} is in {deal['stage']} with "
            f"{_amount(deal['amount'])}, closing {deal['close_date']}."
        )
        return together(
            call(conversation, vendor.change, why, **_wanted(vendor, deal, stages, task))
        )
    last = proposals[-1]
    if last.status == "rejected" and len(proposals) < MAX_ATTEMPTS and _fixable(last, stages):
        revised = {**last.arguments, **_said(last.words, stages)}
        why = f"Revised as {last.decided_by or 'the approver'} asked: {last.words}"
        return together(call(conversation, vendor.change, why, **revised))
    return Say(_report(vendor, deal, last))


def _wanted(
    vendor: Vendor, deal: Mapping[str, Any], stages: list[str], task: str
) -> dict[str, Any]:
    stays = {name: deal[name] for name in ("stage", "amount", "close_date")}
    return {vendor.key: deal["id"], **stays, **_said(task, stages)}


def _said(text: str, stages: list[str]) -> dict[str, Any]:
    """The terms that a text names, as arguments."""
    asked, flat = terms(text), text.lower()
    named = [stage for stage in stages if stage.lower() in flat]
    found = {
        "stage": max(named, key=len) if named else None,
        "amount": asked.amount,
        "close_date": asked.close_date,
    }
    return {name: value for name, value in found.items() if value is not None}


def _fixable(last: Outcome, stages: list[str]) -> bool:
    new = _said(last.words, stages)
    return not terms(last.words).stop and bool(new) and {**last.arguments, **new} != last.arguments


def _amount(value: float | None) -> str:
    return "no amount" if value is None else f"{value:,.2f}"


def _report(vendor: Vendor, deal: Mapping[str, Any], last: Outcome) -> str:
    name = f"{deal['name']} of {deal['account']}" if "account" in deal else deal["name"]
    if not last.executed:
        return not_done(f"{name} was not changed", f"{name} was changed", last)
    used = last.arguments
    over = last.result.get("written_over") if isinstance(last.result, Mapping) else None
    lost = f" Somebody had just set {', '.join(over)}: that is written over." if over else ""
    return (
        f"{vendor.name}: {name} is now in {used['stage']} with {_amount(float(used['amount']))}, "
        f"closing {used['close_date']}.{lost}"
    )
