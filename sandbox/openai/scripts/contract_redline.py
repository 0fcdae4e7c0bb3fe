"""The reviewer and the redliner of a contract, as a careful model would play them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from countersign.sandbox.openai.conversation import Conversation, Reply, Say, ToolCall
from countersign.sandbox.openai.scripts.outcomes import (
    Outcome,
    call,
    not_done,
    read,
    temporary,
    together,
)

MAX_ATTEMPTS = 2
_NAME = re.compile(r"\b(?:the|with|of|from)\s+([A-Z]\w+)|([A-Z]\w+)")
_SIGN = re.compile(r"\bsign(?:ed|ature|ing)?\b", re.IGNORECASE)
_QUOTED = re.compile(r"[\"\u201c]([^\"\u201d]{8,})[\"\u201d]")
_STOP = re.compile(r"\b(?:leave|keep|stop|do not|don't|accept)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Deviation:
    """A clause that the other side has changed, on a topic of the playbook."""

    clause: Mapping[str, Any]
    position: Mapping[str, Any]


def reviewer(conversation: Conversation) -> Reply:
    """Read both once, then tell the redliner what deviates."""
    name = _counterparty(conversation.task)
    if not name:
        return Say("The task does not say whose contract it is.")
    if not conversation.results_of("find_contract"):
        why = f"I need the contract with {name} and our playbook."
        return together(
            call(conversation, "find_contract", why, counterparty=name),
            call(conversation, "look_up_playbook", why),
        )
    contract = _contract(conversation)
    if contract is None:
        return Say(f"There is not exactly one contract with {name} that can be read.")
    lines = [
        f"{contract['contract_id']}, {contract['title']}, is in the step {contract['step']}; "
        f"version {contract['version']} is theirs."
    ]
    for each in _deviations(conversation, contract):
        lines.append(
            f"- {each.clause['number']} ({each.position['topic']}): \u201c{each.clause['text']}"
            f"\u201d Never: {each.position['never']}"
        )
    return Say("\n".join(lines if len(lines) > 1 else [*lines, "Nothing is against the playbook."]))


def redliner(conversation: Conversation) -> Reply:
    """Propose all clauses at once, follow each decision once, report."""
    contract = _contract(conversation)
    if contract is None:
        return Say("Nothing was changed: there is not exactly one contract that can be read.")
    if _SIGN.search(conversation.task):
        return _signing(conversation, contract)
    deviations = list(_deviations(conversation, contract))
    tries = _tries(conversation)
    if not tries:
        if not deviations:
            return Say(f"{contract['title']}: nothing is against the playbook.")
        return together(*(_first(conversation, contract, each) for each in deviations))
    again = [
        one
        for each in deviations
        if (one := _again(conversation, each, tries.get(each.clause["number"], []))) is not None
    ]
    return together(*again) if again else Say(" ".join(_report(contract, deviations, tries)))


def _counterparty(task: str) -> str:
    found = _NAME.search(task)
    return (found[1] or found[2]) if found else ""


def _contract(conversation: Conversation) -> Mapping[str, Any] | None:
    results = conversation.results_of("find_contract")
    found = read(results[-1]).result if results else None
    contracts = found.get("contracts") if isinstance(found, Mapping) else None
    return contracts[0] if contracts and len(contracts) == 1 else None


def _deviations(conversation: Conversation, contract: Mapping[str, Any]) -> Iterator[Deviation]:
    results = conversation.results_of("look_up_playbook")
    found = read(results[-1]).result if results else None
    positions = found["positions"] if isinstance(found, Mapping) else []
    for clause in contract["clauses"]:
        if not clause.get("changes"):
            continue
        for position in positions:
            words = clause["text"].lower()
            if any(each in words for each in position["found_by"]):
                yield Deviation(clause, position)
                break


def _tries(conversation: Conversation) -> dict[str, list[Outcome]]:
    tries: dict[str, list[Outcome]] = {}
    for result in conversation.results_of("redline_clause"):
        tries.setdefault(str(result.arguments.get("clause")), []).append(read(result))
    return tries


def _first(conversation: Conversation, contract: Mapping[str, Any], found: Deviation) -> ToolCall:
    position = found.position
    why = (
        f"The playbook on {position['topic']} says never: {position['never']} This is our "
        "standard position."
    )
    return call(
        conversation,
        "redline_clause",
        why,
        contract_id=contract["contract_id"],
        version=contract["version"],
        clause=found.clause["number"],
        current_text=found.clause["text"],
        new_text=position["standard"],
    )


def _again(conversation: Conversation, found: Deviation, tries: list[Outcome]) -> ToolCall | None:
    if not tries or len(tries) >= MAX_ATTEMPTS:
        return None
    last = tries[-1]
    if temporary(last):
        why = f"The first attempt failed ({last.words})."
        return call(conversation, "redline_clause", why, **last.arguments)
    if last.status != "rejected" or _STOP.search(last.words):
        return None
    quoted = _QUOTED.search(last.words)
    wanted = quoted[1] if quoted else found.position["fallback"]
    why = f"Revised after the feedback \u201c{last.words}\u201d."
    return call(conversation, "redline_clause", why, **{**last.arguments, "new_text": wanted})


def _report(
    contract: Mapping[str, Any], deviations: list[Deviation], tries: dict[str, list[Outcome]]
) -> Iterator[str]:
    done = [number for number, each in tries.items() if each[-1].executed]
    if done:
        yield f"{contract['title']}: {_listed(done)} redlined as tracked changes."
    for found in deviations:
        number = found.clause["number"]
        if number not in tries:
            continue
        last = tries[number][-1]
        if last.executed:
            changed = f" (as {last.decided_by} changed it)" if last.changed else ""
            yield f"{number} reads now{changed}: \u201c{last.arguments['new_text']}\u201d"
        else:
            yield not_done(f"{number} was left as it is", f"{number} was redlined", last)


def _listed(numbers: list[str]) -> str:
    many = "clauses" if len(numbers) > 1 else "clause"
    *first, last = numbers
    verb = "are" if first else "is"
    return f"{many} {', '.join(first)}{' and ' if first else ''}{last} {verb}"


def _signing(conversation: Conversation, contract: Mapping[str, Any]) -> Reply:
    results = conversation.results_of("send_for_signature")
    if not results:
        return together(
            call(
                conversation,
                "send_for_signature",
                "The task asks for it; both sides have agreed on this version.",
                contract_id=contract["contract_id"],
                version=contract["document_version"],
                subject=f"Please sign: {contract['title']}"[:100],
            )
        )
    last = read(results[-1])
    if not last.executed:
        what = f"{contract['title']} was"
        return Say(not_done(f"{what} not sent to be signed", f"{what} sent to be signed", last))
    envelope = last.result["envelope_id"]
    return Say(f"{contract['title']} was sent to be signed, as envelope {envelope}.")
