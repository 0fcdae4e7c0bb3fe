"""The bookkeeper, the analyst and the writer of a month's report."""

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
_PERIOD = re.compile(r"\b(\d{4}-\d{2})\b")
_QUOTED = re.compile(r"[\"\u201c]([^\"\u201d]{4,})[\"\u201d]")


def bookkeeper(conversation: Conversation) -> Reply:
    """Read the month once, then say what is notable."""
    period = _PERIOD.search(conversation.task)
    if period is None:
        return Say('Which month? For example: "financial report for 2026-10".')
    if not conversation.results_of("read_balances"):
        why = f"I need the balances of {period[1]}."
        return together(call(conversation, "read_balances", why, period=period[1]))
    books = _books(conversation)
    if books is None:
        return Say(f"The books of {period[1]} could not be read.")
    return Say(
        f"{books['period']} at entry {books['ledger_version']}: result {books['result']}. Notable: "
        f"{', '.join(books['notable']) or 'nothing'}."
    )


def analyst(conversation: Conversation) -> Reply:
    """Read the lines of every notable account at once."""
    books = _books(conversation)
    if books is None:
        return Say("There is nothing to analyse.")
    if books["notable"] and not conversation.results_of("read_journal_lines"):
        why = "I look for what the difference comes from."
        return together(
            *(
                call(
                    conversation, "read_journal_lines", why, period=books["period"], account=account
                )
                for account in books["notable"]
            )
        )
    return Say("\n".join(_causes(conversation)) or "Nothing has to be explained.")


def writer(conversation: Conversation) -> Reply:
    """Propose, follow the decision once, distribute, report."""
    books = _books(conversation)
    if books is None:
        return Say("No report was written: there are no figures.")
    reports = [read(result) for result in conversation.results_of("sign_off_report")]
    if not reports:
        return _propose(
            conversation, books, f"The result of {books['period']} is {books['result']}."
        )
    last = reports[-1]
    if last.executed:
        return _distribute(conversation, last.arguments, last.result, changed=last.changed)
    if len(reports) < MAX_PROPOSALS:
        if temporary(last):
            why = f"The first attempt failed ({last.words})."
            return together(call(conversation, "sign_off_report", why, **last.arguments))
        if last.status == "rejected":
            quoted = _QUOTED.search(last.words)
            headline = quoted[1] if quoted else f"{last.arguments['headline']} {last.words}"
            why = f"Revised after the feedback \u201c{last.words}\u201d."
            return _propose(conversation, books, headline, why)
    what = f"report of {books['period']} was"
    return Say(not_done(f"The {what} not signed off", f"the {what} signed off", last))


def _propose(
    conversation: Conversation, books: Mapping[str, Any], headline: str, why: str | None = None
) -> Reply:
    return together(
        call(
            conversation,
            "sign_off_report",
            why or "All notable differences are explained from the journal.",
            period=books["period"],
            ledger_version=books["ledger_version"],
            headline=headline[:200],
            commentary="\n".join(_causes(conversation)) or "Nothing is off the budget.",
        )
    )


def _distribute(
    conversation: Conversation, words: Mapping[str, Any], result: Any, *, changed: bool
) -> Reply:
    sent = conversation.results_of("distribute_report")
    if not sent:
        why = "It is signed off; its recipients get it."
        number = result["report_id"]
        return together(call(conversation, "distribute_report", why, report_id=number))
    outcome = read(sent[-1])
    by = ", as the controller has written it" if changed else ""
    said = f"The report of {words['period']} is signed off{by}: \u201c{words['headline']}\u201d"
    if not outcome.executed:
        said += f" {not_done('It was not distributed', 'it was distributed', outcome)}"
    else:
        said += f" It went to {', '.join(outcome.result['sent_to'])} as PDF and XLSX."
    return Say(said)


def _books(conversation: Conversation) -> Mapping[str, Any] | None:
    results = conversation.results_of("read_balances")
    found = read(results[-1]).result if results else None
    return found if isinstance(found, Mapping) and "accounts" in found else None


def _causes(conversation: Conversation) -> list[str]:
    """For each account what its largest line says, unless that is nothing to print."""
    said = []
    for result in conversation.results_of("read_journal_lines"):
        found = read(result).result
        if not isinstance(found, Mapping) or not found.get("lines"):
            continue
        largest = max(found["lines"], key=lambda line: abs(line["amount_cents"]))
        text = largest["text"]
        if not text.isascii() or text.startswith(("=", "+", "-", "@")):
            text = "its text is in the workbook"
        amount = f"{largest['amount_cents'] / 100:,.2f}"
        said.append(f"{found['account']}: entry {largest['entry']} over EUR {amount} ({text}).")
    return said
