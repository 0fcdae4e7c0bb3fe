"""Values: copies and values of our own making are what pydantic would have made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, PrivateAttr, ValidationError

from countersign.approvals.models import Session, SessionId, SessionStatus, Value

AT = datetime(2026, 1, 2, tzinfo=UTC)
FIELDS: dict[str, Any] = {
    "id": SessionId("S-1"),
    "workflow": "refunds",
    "workflow_version": "1",
    "task": "t",
    "owner": "sam",
    "status": SessionStatus.RUNNING,
    "conversation": None,
    "created_at": AT,
    "updated_at": AT,
}


class Kept(Value):
    """A value with something of its own beside its fields."""

    name: str
    _seen: list[str] = PrivateAttr(default_factory=list)


def same(one: BaseModel, other: BaseModel) -> bool:
    """Whether they are equal in what pydantic looks at, and say the same of which are set."""
    return (
        one == other
        and one.model_fields_set == other.model_fields_set
        and one.model_dump(exclude_unset=True) == other.model_dump(exclude_unset=True)
        and repr(one) == repr(other)
    )


def test_a_copy_is_what_pydantic_makes() -> None:
    session = Session(**FIELDS)
    update = {"status": SessionStatus.WAITING, "answer": "done"}

    assert same(session.model_copy(update=update), BaseModel.model_copy(session, update=update))
    assert same(session.model_copy(), session)
    assert session.status is SessionStatus.RUNNING
    assert session.model_copy(update=update).model_fields_set == {*FIELDS, "answer"}


def test_a_deep_copy_and_private_attributes_are_left_to_pydantic() -> None:
    kept = Kept(name="one")
    kept._seen.append("x")

    assert kept.model_copy(update={"name": "two"})._seen == ["x"]
    assert Session(**FIELDS).model_copy(deep=True) == Session(**FIELDS)


def test_a_value_of_our_own_making_is_one_like_any_other() -> None:
    whole = {name: getattr(Session(**FIELDS), name) for name in Session.model_fields}
    made = Session.made(**whole)

    assert same(made, Session(**whole))
    assert made.model_copy(update={"task": "u"}).task == "u"
    with pytest.raises(ValidationError, match="frozen"):
        made.task = "u"  # type: ignore[misc]
