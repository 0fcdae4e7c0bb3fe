"""Terms of edits: whether people may change the arguments of a rule's calls, and at what price."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from countersign.approvals.models import Value
from countersign.approvals.rules.conditions.syntax import ConditionSyntaxError, Node, parse


def readable(text: str) -> str:
    """The text of a condition. Raises ValueError for one that cannot be read."""
    try:
        parse(text)
    except ConditionSyntaxError as exc:
        raise ValueError(f"{text!r} {exc}") from exc
    return text


class EditTerms(Value):
    """What a person may make of a call, and who has to decide it then."""

    allowed: bool = True
    second_person_above: Annotated[str, AfterValidator(readable)] | None = None
    """A condition on the changed call under which whoever changed it does not count alone."""

    @property
    def condition(self) -> Node | None:
        """The condition as it was read."""
        text = self.second_person_above
        return None if text is None else parse(text)


def _written(value: Any) -> Any:
    return {"allowed": value} if isinstance(value, bool) else value


Edits = Annotated[EditTerms, BeforeValidator(_written)]
"""`true`, `false`, or a mapping with `second_person_above`."""


def strictest_terms(terms: list[EditTerms]) -> EditTerms:
    """What all of these allow, at the price of each."""
    conditions = dict.fromkeys(t.second_person_above for t in terms if t.second_person_above)
    text = " || ".join(f"({each})" for each in conditions) if len(conditions) > 1 else None
    return EditTerms(
        allowed=all(each.allowed for each in terms),
        second_person_above=text or next(iter(conditions), None),
    )
