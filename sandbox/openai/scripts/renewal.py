"""The historian of the renewal: a note in the customer's record. The clerk and the letter writer
beside it are those of the CRM update."""

from __future__ import annotations

from collections.abc import Mapping

from countersign.sandbox.openai.conversation import Call, Conversation, Reply, Say
from countersign.sandbox.openai.scripts.language import customer_name
from countersign.sandbox.openai.scripts.outcomes import call, read, why_not


def historian(conversation: Conversation) -> Reply:
    """Look up, log, report."""
    name = customer_name(conversation.task)
    if not name:
        return Say("Nothing was noted: the task names no customer.")
    lookups = conversation.results_of("lookup_customer")
    if not lookups:
        return Call((call(conversation, "lookup_customer", f"Whose record: {name}.", name=name),))
    found = read(lookups[-1])
    customers = found.result.get("customers") if isinstance(found.result, Mapping) else None
    if not customers:
        return Say(f"Nothing was noted: there is no record of {name}.")
    notes = conversation.results_of("log_activity")
    if not notes:
        text = f"Asked for: {conversation.task}"
        customer_id = customers[0]["id"]
        note = call(conversation, "log_activity", "", customer_id=customer_id, text=text)
        return Call((note,))
    last = read(notes[-1])
    if not last.executed:
        return Say(f"Nothing was noted: {why_not(last) or 'unexpected answer'}.")
    return Say(f"What was asked for is noted in the record of {customers[0]['name']}.")
