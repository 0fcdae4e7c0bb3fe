"""The quoter on the CPQ: look up, propose all lines once, follow the decision once, report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from countersign.sandbox.openai.conversation import Conversation, Reply, Say
from countersign.sandbox.openai.scripts.language import customer_name, terms
from countersign.sandbox.openai.scripts.outcomes import call, not_done, read, together, why_not

MAX_ATTEMPTS = 2
SEATS = "INS-SEAT"


def quoter(conversation: Conversation) -> Reply:
    """Look up, propose, revise once, report."""
    task = re.sub(r"^\s*cpq\s*:\s*release\b", "for", conversation.task, flags=re.IGNORECASE)
    name = customer_name(task)
    if not name:
        return Say("Which customer is it about?")
    lookups = conversation.results_of("find_quotes")
    if not lookups:
        return together(call(conversation, "find_quotes", "I need the draft.", account=name))
    found = read(lookups[-1])
    if not isinstance(found.result, Mapping) or "quotes" not in found.result:
        return Say(f"Nothing was released: {why_not(found) or 'the CPQ cannot be read'}.")
    drafts = [quote for quote in found.result["quotes"] if quote["status"] == "draft"]
    if len(drafts) != 1:
        return Say(f"Nothing was released: there is not one draft for {name}.")
    draft = drafts[0]
    tried = [read(result) for result in conversation.results_of("release_lines")]
    if not tried:
        why = f"The task asks for it; {draft['id']} is the one draft of {draft['account']}."
        return together(call(conversation, "release_lines", why, **_wanted(draft, task)))
    last = tried[-1]
    if last.executed and isinstance(last.result, Mapping):
        quote, totals = last.result, last.result["totals"]
        return Say(
            f"{quote['id']} for {quote['account']} is released: {totals['net']:,.2f} "
            f"{quote['currency']} net, {totals['discount_percent']:g} % off the list, valid until "
            f"{quote['valid_until']}."
        )
    asked = terms(last.words)
    if (
        last.status == "rejected"
        and len(tried) < MAX_ATTEMPTS
        and asked.discount_percent is not None
    ):
        revised = _wanted(draft, last.words)
        revised["valid_until"] = last.arguments["valid_until"]
        why = f"Revised as {last.decided_by or 'the approver'} asked: {last.words}"
        return together(call(conversation, "release_lines", why, **revised))
    sure, unsure = f"{draft['id']} was not released", f"{draft['id']} was released"
    return Say(not_done(sure, unsure, last))


def _wanted(draft: Mapping[str, Any], text: str) -> dict[str, Any]:
    asked = terms(text)
    lines = []
    for line in draft["lines"]:
        kept = {name: line[name] for name in ("sku", "quantity", "discount_percent")}
        if line["sku"] == SEATS:
            kept["discount_percent"] = asked.discount_percent or 0.0
            kept["quantity"] = asked.seats or line["quantity"]
        lines.append(kept)
    until = asked.close_date or draft["valid_until"]
    return {"quote_id": draft["id"], "lines": lines, "valid_until": until}
