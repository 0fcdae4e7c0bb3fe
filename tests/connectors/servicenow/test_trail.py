from __future__ import annotations

from typing import Any

import pytest

from countersign.connectors.comments.vocabulary import OBJECT
from countersign.connectors.servicenow import reading, text, wire
from countersign.connectors.servicenow.trail import Entry, Trail
from countersign.connectors.servicenow.wire import Mark
from tests.connectors.servicenow.fixtures import payload, settings

ROW = payload("approval.json")["result"][0]
AUDIT = payload("audit.json")["result"]
CHANGES = "u_requested_changes"
RECORD = "c0ffee00c0ffee00c0ffee00c0ffee00"


def mark(**more: Any) -> Mark:
    found = wire.approval({**ROW, **more}, CHANGES)
    assert found is not None
    return found


def entry(**more: Any) -> Entry:
    row = {**AUDIT[0], **more}
    at = wire.moment(row, "sys_created_on")
    assert at is not None
    return Entry(
        row=row["documentkey"],
        column=row["fieldname"],
        value=row["newvalue"],
        user=row["user"],
        at=at,
        update=wire.count(row, "record_checkpoint"),
    )


def trail(*entries: Entry, journal: tuple[Entry, ...] = ()) -> Trail:
    return Trail(entries, journal, settings().own_user)


RECORDED = tuple(entry(**row) for row in AUDIT)


def test_who_answered_is_who_set_the_state_and_not_who_wrote_last() -> None:
    setter = trail(*RECORDED).setter(mark())

    assert setter is not None
    assert ("alex.wilber", 1) == (setter.user, setter.update)
    assert f"{ROW['sys_id']}:1" == reading.act_id(mark(), trail(*RECORDED))


def test_touching_an_answer_does_not_make_it_ones_own() -> None:
    forged = entry(user="mallory.evil")
    touched = entry(fieldname="comments", newvalue="Not me!", record_checkpoint="2")
    setter = trail(forged, touched).setter(mark(sys_updated_by="alex.wilber"))

    assert setter is not None
    assert "mallory.evil" == setter.user


def test_answer_that_was_there_when_the_row_was_made_is_its_makers() -> None:
    touched = entry(fieldname="comments", newvalue="What is this?", record_checkpoint="1")
    made = {"sys_created_by": "mallory.evil", "sys_updated_by": "alex.wilber"}
    untouched = {**made, "sys_mod_count": "0", "sys_updated_by": "mallory.evil"}

    for found in (trail(touched).setter(mark(**made)), trail().setter(mark(**untouched))):
        assert found is not None
        assert ("mallory.evil", 0) == (found.user, found.update)


@pytest.mark.parametrize("maker", ["svc_approvals", "system", "SYSTEM"])
def test_without_an_audit_the_last_writer_answered_what_we_or_a_flow_asked(maker: str) -> None:
    setter = trail().setter(mark(sys_created_by=maker, sys_updated_by="alex.wilber"))

    assert setter is not None
    assert ("alex.wilber", 2) == (setter.user, setter.update)


def test_without_an_audit_nobody_answered_a_row_that_somebody_else_made() -> None:
    assert trail().setter(mark(sys_created_by="mallory.evil", sys_updated_by="alex.wilber")) is None


def test_without_an_audit_nobody_answered_in_a_column_of_the_record() -> None:
    found = wire.field({**ROW, "sys_updated_by": "alex.wilber"}, "state", CHANGES)

    assert found is not None
    assert trail().setter(found) is None


def test_comments_are_those_of_that_person_since_they_were_asked() -> None:
    said = [
        ("alex.wilber", "Old.", 1),
        ("alex.wilber", "New.", 4),
        ("sam.carter", "Mine.", 5),
        ("alex.wilber", "Last.", 6),
    ]
    comments = [
        entry(fieldname="comments", newvalue=text, user=user, record_checkpoint=str(n))
        for user, text, n in said
    ]
    answered = entry(newvalue="approved", record_checkpoint="2")
    asked = entry(newvalue="requested", user="svc_approvals", record_checkpoint="3")

    whole, before = trail(*comments, answered, asked), trail(comments[0], answered, asked)
    assert ["New.", "Last."] == whole.comments(mark(), "Alex.Wilber", ["requested"])
    assert [] == before.comments(mark(), "alex.wilber", ["requested"])


def test_being_asked_again_because_of_others_takes_no_comment_back() -> None:
    """A roll-up takes the question back, and we ask it again: that was no answer of theirs."""
    said = entry(fieldname="comments", newvalue="Not above 900.", record_checkpoint="1")
    others = entry(newvalue="not_required", user="sam.carter", record_checkpoint="2")
    asked = entry(newvalue="requested", user="svc_approvals", record_checkpoint="3")

    found = trail(said, others, asked).comments(mark(), "alex.wilber", ["requested"])
    assert ["Not above 900."] == found


@pytest.mark.parametrize("column", ["comments", "work_notes"])
def test_comments_on_the_record_are_beside_the_answer_too(column: str) -> None:
    on_record = entry(documentkey=RECORD, fieldname=column, newvalue="<b>Only</b> 900.")
    of_another = entry(documentkey=RECORD, fieldname=column, newvalue="x", user="sam.carter")

    found = trail(on_record, of_another).comments(mark(), "alex.wilber", ["requested"], RECORD)
    assert [f"{OBJECT}Only{OBJECT} 900."] == found


def test_without_an_audit_what_was_answered_before_is_known_by_our_own_comment() -> None:
    """Or else a comment that was refused once would stand beside every later answer."""
    first = entry(fieldname="comments", newvalue="Only 900.", sys_created_on="2026-11-25 09:00:00")
    told, _ = text.remark("It does not count.", RECORD, f"again:{ROW['sys_id']}:1")
    ours = entry(
        documentkey=RECORD,
        fieldname="comments",
        newvalue=told,
        user="svc_approvals",
        sys_created_on="2026-11-25 09:01:00",
    )
    later = entry(fieldname="comments", newvalue="Fine.", sys_created_on="2026-11-25 09:02:00")

    journal = trail(journal=(first, ours, later))
    found = journal.comments(mark(sys_mod_count="3"), "alex.wilber", ["requested"], RECORD)
    assert ["Fine."] == found
    untold = trail(journal=(first, later))
    both = untold.comments(mark(sys_mod_count="3"), "alex.wilber", ["requested"], RECORD)
    assert ["Only 900.", "Fine."] == both


@pytest.mark.parametrize(
    ("writer", "found"), [("alex.wilber", "amount: 900"), ("mallory.evil", "")]
)
def test_changes_count_if_who_answered_wrote_them(writer: str, found: str) -> None:
    wrote = entry(fieldname=CHANGES, newvalue="amount: 900", user=writer)

    assert found == trail(*RECORDED, wrote).changes(mark(), CHANGES, "alex.wilber")


def test_changes_that_nobody_is_known_to_have_written_are_nobodys() -> None:
    assert "" == trail(*RECORDED).changes(mark(), CHANGES, "alex.wilber")
