"""The analyst and the quoter of the sales quote, as a careful model would play them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from countersign.sandbox.openai.conversation import Call, Conversation, Reply, Say
from countersign.sandbox.openai.scripts.language import Terms, customer_name, money, terms
from countersign.sandbox.openai.scripts.outcomes import (
    Outcome,
    call,
    not_done,
    read,
    temporary,
    together,
    why_not,
)
from countersign.sandbox.openai.scripts.sales_report import Record, report

VALID_DAYS = 30
MAX_DISCOUNT_PERCENT = 40.0
MAX_PROPOSALS = 4
_EARLY_STAGES = ("prospecting", "qualification")


def _looked_up(conversation: Conversation) -> Sequence[Mapping[str, Any]] | None:
    """The customers that were found; None before the lookup or when it failed."""
    results = conversation.results_of("lookup_customer")
    found = read(results[-1]).result if results else None
    return found["customers"] if isinstance(found, Mapping) and "customers" in found else None


def analyst(conversation: Conversation) -> Reply:
    """Look up once, then tell the quoter what matters."""
    name = customer_name(conversation.task)
    if not name:
        return Say("The task does not say for which customer the quote is.")
    results = conversation.results_of("lookup_customer")
    if not results:
        reason = f"I need the record of {name} for the quote."
        return Call((call(conversation, "lookup_customer", reason, name=name),))
    customers = _looked_up(conversation)
    if customers is None:
        return Say(
            f"The lookup of {name} did not work: "
            f"{why_not(read(results[-1])) or 'unexpected answer'}."
        )
    if not customers:
        return Say(f"The CRM has no customer called {name}.")
    lines = [f"Record for the quote ({len(customers)} found):"]
    for customer in customers:
        price = money(customer["list_price_per_seat"], customer["currency"])
        lines.append(
            f"- {customer['name']} ({customer['id']}), {customer['tier']} tier, "
            f"list price {price} per seat and year, "
            f"standard discount {customer['standard_discount_percent']:g} %"
        )
        lines += [
            f"  - {o['id']} {o['name']}: {o['seats']} seats, stage {o['stage']}, "
            f"{money(o['amount'], customer['currency'])}"
            for o in customer["opportunities"]
        ]
    return Say("\n".join(lines))


def quoter(conversation: Conversation) -> Reply:
    """Propose, follow the decision, then see to the rest and report."""
    record = _record(conversation)
    if isinstance(record, Say):
        return record
    releases = [read(result) for result in conversation.results_of("release_quote")]
    if not releases:
        return _propose(conversation, record, _wanted(record, terms(conversation.task)), None)
    last = releases[-1]
    if last.executed:
        return _finish(conversation, record, last)
    if last.status == "rejected" and len(releases) < MAX_PROPOSALS:
        return _revise(conversation, record, releases)
    failures = sum(one.status == last.status for one in releases)
    if failures == 1 and (temporary(last) or (last.status == "drift" and last.retry)):
        reason = f"The first attempt did not go through ({last.words}). I propose it once more."
        return _propose(conversation, record, last.arguments, reason)
    advice = (
        " Please have sales operations look at the quoting system."
        if last.status == "failed"
        else ""
    )
    return Say(_not_released(record, last) + advice)


def _record(conversation: Conversation) -> Record | Say:
    name = customer_name(conversation.task)
    customers = _looked_up(conversation)
    if not name:
        return Say(
            'I need to know for whom the quote is, for example: "quote for Contoso, 25 seats".'
        )
    if customers is None:
        return Say(
            f"I could not prepare the quote: the record of {name} could not be read from the CRM."
        )
    if not customers:
        return Say(
            f"I could not prepare a quote: the CRM has no customer called {name}. "
            "Nothing was released."
        )
    if len(customers) > 1:
        names = ", ".join(customer["name"] for customer in customers)
        return Say(
            f"Several customers match {name}: {names}. Please name one of them; "
            "nothing was released."
        )
    opportunities = sorted(customers[0]["opportunities"], key=lambda o: o["seats"] == 0)
    if not opportunities:
        return Say(
            f"{customers[0]['name']} has no open opportunity to quote for. Nothing was released."
        )
    return Record(customers[0], opportunities[0])


def _wanted(record: Record, asked: Terms) -> dict[str, Any]:
    """The offer: what the task asks for, the record's own terms where it says nothing."""
    seats = asked.seats or int(record.opportunity["seats"]) or 1
    standard = float(record.customer["standard_discount_percent"])
    return _offer(record, seats, asked, standard, asked.valid_days or VALID_DAYS)


def _offer(
    record: Record, seats: int, asked: Terms, discount: float, valid_days: int
) -> dict[str, Any]:
    at_list = record.list_amount(seats)
    if asked.discount_percent is not None:
        discount = asked.discount_percent
    amount = round(at_list * (1 - discount / 100), 2)
    if asked.amount is not None and asked.discount_percent is None:
        amount = asked.amount
        discount = round(max(0.0, (1 - amount / at_list) * 100), 2)
    return {
        "customer_id": record.customer["id"],
        "opportunity_id": record.opportunity["id"],
        "amount": amount,
        "currency": record.customer["currency"],
        "discount_percent": discount,
        "valid_days": valid_days,
    }


def _propose(
    conversation: Conversation, record: Record, offer: Mapping[str, Any], reason: str | None
) -> Reply:
    customer = record.customer
    if reason is None:
        standard = float(customer["standard_discount_percent"])
        kind = (
            f"the standard discount of the {customer['tier']} tier"
            if offer["discount_percent"] == standard
            else (f"against {standard:g} % as the standard of the {customer['tier']} tier")
        )
        reason = (
            f"{customer['name']} asked for an offer for {record.opportunity['name']}: "
            f"{offer['discount_percent']:g} % off the list price, {kind}."
        )
    return together(call(conversation, "release_quote", reason, **offer))


def _seats_of(record: Record, offer: Mapping[str, Any]) -> int:
    per_seat = float(record.customer["list_price_per_seat"]) * (
        1 - float(offer["discount_percent"]) / 100
    )
    return (
        max(1, round(float(offer["amount"]) / per_seat))
        if per_seat > 0
        else int(record.opportunity["seats"])
    )


def _not_released(record: Record, last: Outcome) -> str:
    name = record.customer["name"]
    return not_done(f"No quote was released for {name}", f"the quote for {name} was released", last)


def _revise(conversation: Conversation, record: Record, releases: Sequence[Outcome]) -> Reply:
    """A new offer that follows the feedback, or the end if the feedback says so."""
    last = releases[-1]
    asked = terms(last.words)
    stopped = Say(_not_released(record, last))
    if asked.stop:
        return stopped
    discount = float(last.arguments["discount_percent"])
    if not asked.any:
        words = last.words.lower()
        more = any(
            word in words
            for word in ("more discount", "generous", "too expensive", "cheaper", "higher discount")
        )
        discount = (
            min(MAX_DISCOUNT_PERCENT, round(discount * 1.5, 1)) if more else round(discount / 2, 1)
        )
    seats = asked.seats or _seats_of(record, last.arguments)
    offer = _offer(
        record, seats, asked, discount, asked.valid_days or int(last.arguments["valid_days"])
    )
    if any(offer == {name: one.arguments.get(name) for name in offer} for one in releases):
        return stopped
    who = last.decided_by or "The sales manager"
    reason = (
        f"{who} rejected the last proposal: \u201c{last.words}\u201d. "
        f"Revised to {offer['discount_percent']:g} % discount, "
        f"{money(offer['amount'], offer['currency'])}, valid for {offer['valid_days']} days."
    )
    return _propose(conversation, record, offer, reason)


def _finish(conversation: Conversation, record: Record, released: Outcome) -> Reply:
    """Stage and activity together, then the last word."""
    number = released.result.get("quote_number") if isinstance(released.result, Mapping) else None
    what = money(float(released.arguments["amount"]), str(released.arguments["currency"]))
    name = record.customer["name"]
    stages, activities = (
        conversation.results_of(tool) for tool in ("update_stage", "log_activity")
    )
    if not stages and not activities:
        stage = "proposal" if record.opportunity["stage"] in _EARLY_STAGES else "negotiation"
        approved = f", approved by {released.decided_by}" if released.decided_by else ""
        changed = " with changes" if released.changed else ""
        text = (
            f"Quote {number} released{changed}: {what}, "
            f"{float(released.arguments['discount_percent']):g} % discount, "
            f"valid for {released.arguments['valid_days']} days{approved}."
        )
        because = f"Quote {number} is out."
        return together(
            call(
                conversation,
                "update_stage",
                because,
                opportunity_id=record.opportunity["id"],
                stage=stage,
            ),
            call(
                conversation, "log_activity", because, customer_id=record.customer["id"], text=text
            ),
        )
    return Say(
        report(
            f"Quote {number} for {name} is released: {what}", released, stages, activities, record
        )
    )
