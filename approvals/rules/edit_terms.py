"""Terms of edits: whether people may change the arguments of a rule's calls, and at what price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from countersign.approvals.forms.wording import cut
from countersign.approvals.models import Value
from countersign.approvals.rules.conditions.syntax import ConditionSyntaxError, Node, parse

CONDITIONS = ("second_person_above", "without_editor_above")
"""The keys of edits that hold a condition on the changed call."""
SHOWN = 500
"""So much of a condition that cannot be read is shown with what is wrong with it."""


def readable(text: str) -> str:
    """The text of a condition. Raises ValueError for one that cannot be read."""
    try:
        parse(text)
    except ConditionSyntaxError as exc:
        raise ValueError(f"{cut(text, SHOWN)!r} {exc}") from exc
    return text


class EditTerms(Value):
    """What a person may make of a call, and who has to decide it then."""

    allowed: bool = True
    second_person_above: Annotated[str, AfterValidator(readable)] | None = None
    """A condition on the changed call under which whoever changed it does not count alone."""

    without_editor_above: Annotated[str, AfterValidator(readable)] | None = Field(
        default=None, exclude_if=lambda v: v is None
    )
    """A condition on the changed call under which whoever changed it does not decide it."""

    @property
    def conditions(self) -> dict[str, Node]:
        """The conditions as they were read, by their keys."""
        texts = {key: getattr(self, key) for key in CONDITIONS}
        return {key: parse(text) for key, text in texts.items() if text is not None}


def _written(value: Any) -> Any:
    return {"allowed": value} if isinstance(value, bool) else value


Edits = Annotated[EditTerms, BeforeValidator(_written)]
"""`true`, `false`, or a mapping with one of `CONDITIONS`, or both."""


def strictest_terms(terms: list[EditTerms]) -> EditTerms:
    """What all of these allow, at the price of each."""
    return EditTerms(
        allowed=all(each.allowed for each in terms),
        second_person_above=_any([t.second_person_above for t in terms]),
        without_editor_above=_any([t.without_editor_above for t in terms]),
    )


def _any(texts: Sequence[str | None]) -> str | None:
    conditions = list(dict.fromkeys(text for text in texts if text))
    if len(conditions) < 2:
        return next(iter(conditions), None)
    return " || ".join(f"({each})" for each in conditions)
