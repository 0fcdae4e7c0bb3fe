"""The researcher and the writer of a support reply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from countersign.sandbox.openai.conversation import Conversation, Reply, Say
from countersign.sandbox.openai.scripts.outcomes import (
    call,
    not_done,
    read,
    temporary,
    together,
)

MAX_PROPOSALS = 2
_TICKET = re.compile(r"\b(\d{3,})\b")
_QUOTED = re.compile(r"[\"\u201c]([^\"\u201d]{12,})[\"\u201d]", re.DOTALL)


def researcher(conversation: Conversation) -> Reply:
    """Read the ticket, search with its subject, tell the writer."""
    number = _TICKET.search(conversation.task)
    if number is None:
        return Say('Which ticket? For example: "reply to ticket 5001".')
    if not conversation.results_of("read_ticket"):
        why = "I need to know what the customer wants."
        return together(call(conversation, "read_ticket", why, ticket_id=int(number[1])))
    ticket = _ticket(conversation)
    if ticket is None:
        return Say(f"Ticket {number[1]} could not be read.")
    if not conversation.results_of("search_articles"):
        words = f"{ticket['subject']} {ticket['comments'][0]['text']}"[:200]
        why = "What do our articles say about it?"
        return together(call(conversation, "search_articles", why, query=words))
    article = _article(conversation)
    found = f"article {article['id']} answers it" if article else "no article answers it"
    return Say(
        f"Ticket {ticket['id']} of {ticket['name']}, {ticket['subject']}, updated_at "
        f"{ticket['updated_at']}: {found}."
    )


def writer(conversation: Conversation) -> Reply:
    """Propose, follow the decision once, report."""
    ticket = _ticket(conversation)
    if ticket is None:
        return Say("No reply was written: there is no ticket that can be read.")
    replies = [read(result) for result in conversation.results_of("send_reply")]
    article = _article(conversation)
    if not replies:
        return _propose(conversation, ticket, article, _draft(ticket, article), None)
    last = replies[-1]
    if last.executed:
        changed = ", as the supervisor has changed it" if last.changed else ""
        return Say(
            f"The reply to {ticket['name']} in ticket {ticket['id']} is sent{changed}; it is "
            f"{last.arguments['status']}."
        )
    if len(replies) < MAX_PROPOSALS:
        if temporary(last):
            why = f"The first attempt failed ({last.words})."
            return together(call(conversation, "send_reply", why, **last.arguments))
        if last.status == "rejected":
            quoted = _QUOTED.search(last.words)
            text = quoted[1] if quoted else _shorter(ticket, article)
            why = f"Revised after the feedback \u201c{last.words}\u201d."
            return _propose(conversation, ticket, article, text, why)
    what = f"reply in ticket {ticket['id']} was"
    return Say(not_done(f"The {what} not sent", f"the {what} sent", last))


def _propose(
    conversation: Conversation,
    ticket: Mapping[str, Any],
    article: Mapping[str, Any] | None,
    text: str,
    why: str | None,
) -> Reply:
    source = (
        f"From article {article['id']}, \u201c{article['title']}\u201d."
        if article
        else "No article answers it."
    )
    return together(
        call(
            conversation,
            "send_reply",
            why or source,
            ticket_id=ticket["id"],
            updated_at=ticket["updated_at"],
            reply=text,
            status="pending",
        )
    )


def _draft(ticket: Mapping[str, Any], article: Mapping[str, Any] | None) -> str:
    middle = (
        f"I am sorry that you had to ask more than once. {article['body']}"
        if article
        else "thank you for writing. A colleague looks at it and comes back to you."
    )
    return _letter(ticket, middle + "\n\nPlease tell us whether that solves it.")


def _shorter(ticket: Mapping[str, Any], article: Mapping[str, Any] | None) -> str:
    middle = article["body"] if article else "a colleague looks at it and comes back to you."
    return _letter(ticket, middle)


def _letter(ticket: Mapping[str, Any], middle: str) -> str:
    first_name = str(ticket["name"]).partition(" ")[0]
    return f"Dear {first_name},\n\n{middle}\n\nKind regards,\nYour support team"


def _ticket(conversation: Conversation) -> Mapping[str, Any] | None:
    results = conversation.results_of("read_ticket")
    found = read(results[-1]).result if results else None
    return found if isinstance(found, Mapping) and "updated_at" in found else None


def _article(conversation: Conversation) -> Mapping[str, Any] | None:
    results = conversation.results_of("search_articles")
    found = read(results[-1]).result if results else None
    articles = found.get("articles") if isinstance(found, Mapping) else None
    return articles[0] if articles else None
