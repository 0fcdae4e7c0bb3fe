"""The writer of the outreach: look all up, one letter each, follow each decision once, report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from countersign.sandbox.openai.conversation import Conversation, Reply, Say, ToolCall
from countersign.sandbox.openai.scripts.outcomes import Outcome, call, read, together, why_not

MAX_ATTEMPTS = 2
_TASK = re.compile(r"outreach to\s+(?P<names>[^:]+):\s*(?P<about>.+)", re.IGNORECASE | re.DOTALL)


def writer(conversation: Conversation) -> Reply:
    """Look up, propose a letter to each, follow the feedback, report."""
    asked = _TASK.search(conversation.task)
    if asked is None:
        return Say('To whom, and what about? For example: "outreach to Contoso: webinar".')
    names = [n.strip() for n in re.split(r",|\band\b", asked["names"]) if n.strip()]
    about = asked["about"].strip().rstrip(".")
    lookups = conversation.results_of("lookup_customer")
    if not lookups:
        why = "I need the contact."
        return together(*(call(conversation, "lookup_customer", why, name=n) for n in names))
    customers = [one for result in lookups for one in _customers(read(result))]
    if not customers:
        return Say("Nobody was written to: the CRM knows none of them.")
    tried = [read(result) for result in conversation.results_of("send_outreach")]
    if not tried:
        return together(*(_letter(conversation, one, about) for one in customers))
    again = _again(conversation, customers, about, tried)
    return together(*again) if again else Say(_report(tried))


def _customers(found: Outcome) -> list[Mapping[str, Any]]:
    return list(found.result["customers"]) if isinstance(found.result, Mapping) else []


def _letter(
    conversation: Conversation, customer: Mapping[str, Any], about: str, feedback: str = ""
) -> ToolCall:
    first = customer["contact_name"].partition(" ")[0]
    offer = f"we would be glad to see you at our {about}."
    more = (
        f"It is about {customer['opportunities'][0]['name']}, as you use it. "
        if customer["opportunities"]
        else ""
    )
    if re.search(r"short|brief", feedback, re.IGNORECASE):
        more = ""
    why = f"{customer['name']} is one of those whom the task names."
    return call(
        conversation,
        "send_outreach",
        f"Revised: {feedback}" if feedback else why,
        to=customer["contact_email"],
        subject=f"Our {about}",
        letter=f"Dear {first},\n\n{offer} {more}".rstrip() + "\n\nYour Contoso Sales team",
        campaign=about.partition(" ")[0],
    )


def _again(
    conversation: Conversation,
    customers: list[Mapping[str, Any]],
    about: str,
    tried: list[Outcome],
) -> list[ToolCall]:
    calls = []
    for customer in customers:
        address = customer["contact_email"]
        mine = [one for one in tried if one.arguments.get("to") == address]
        if mine and len(mine) < MAX_ATTEMPTS and mine[-1].status == "rejected":
            fresh = _letter(conversation, customer, about, mine[-1].words)
            if fresh.arguments["letter"] != mine[-1].arguments["letter"]:
                calls.append(fresh)
    return calls


def _report(tried: list[Outcome]) -> str:
    last = {one.arguments.get("to"): one for one in tried}
    written = [str(to) for to, one in last.items() if one.executed]
    rest = [f"{to}: {why_not(one).rstrip('.')}" for to, one in last.items() if not one.executed]
    said = [f"SendGrid has taken a letter to {', '.join(written)}." if written else ""]
    said.append(f"Not written to {'; '.join(rest)}." if rest else "")
    return " ".join(each for each in said if each)
