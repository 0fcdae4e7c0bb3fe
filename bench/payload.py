"""The one job that everybody does: an agent wants to refund an order, a person approves it."""

from __future__ import annotations

TASK = "Refund order 8841 for customer 1203, 149.90 EUR, double charge on invoice 1821."
SYSTEM = "You are a careful back-office agent. Use the refund tool when asked."
TOOL = "refund"
ARGUMENTS = {
    "order_id": "8841",
    "customer": "1203",
    "amount": 149.90,
    "currency": "EUR",
    "reason": "double charge on invoice 1821",
}
CALL_ID = "call_1"
ANSWER = "Refund done."


class Refunds:
    """Counts the effects: one for each session, never two."""

    done = 0


def refund(order_id: str, customer: str, amount: float, currency: str, reason: str) -> str:
    """Refund an order."""
    Refunds.done += 1
    return "ok"
