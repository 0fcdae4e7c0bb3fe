"""What Contoso's lawyers want contracts to say: put your own playbook here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Position:
    """One topic of the playbook."""

    topic: str
    found_by: tuple[str, ...]
    """Words of which a clause on this topic has one."""
    standard: str
    fallback: str
    """What may be offered when the standard is refused."""
    never: str


PLAYBOOK = (
    Position(
        topic="payment",
        found_by=("invoices are due", "payment"),
        standard="Invoices are due within thirty (30) days of receipt.",
        fallback="Invoices are due within forty-five (45) days of receipt.",
        never="More than sixty days.",
    ),
    Position(
        topic="liability",
        found_by=("liability",),
        standard="Each party's liability is limited to the fees of the last twelve months.",
        fallback="Each party's liability is limited to twice the fees of the last twelve months.",
        never="Liability of one side that is unlimited.",
    ),
    Position(
        topic="renewal",
        found_by=("runs for", "renews"),
        standard="This agreement runs for one year and ends by notice of three months.",
        fallback=(
            "This agreement runs for one year and renews for one year at a time unless ended "
            "three months before."
        ),
        never="Renewal for more than a year at a time.",
    ),
)


def positions() -> list[dict[str, Any]]:
    """The playbook, as agents read it."""
    return [asdict(position) for position in PLAYBOOK]
