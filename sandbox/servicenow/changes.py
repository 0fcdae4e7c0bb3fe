"""The life of a change request: which state may follow which, and what that sets off.

Source: ServiceNow docs, "State model and transitions" of Change Management (Australia, read
2026-11-25): normal changes go through all states in turn, may be cancelled until the review, and
may be taken back to New from Assess or Authorize, which cancels pending approvals.
"""

from __future__ import annotations

from countersign.sandbox.servicenow import approvals
from countersign.sandbox.servicenow.errors import aborted_by_rule
from countersign.sandbox.servicenow.people import ADMIN, BY_NAME, SYSTEM
from countersign.sandbox.servicenow.records import Records
from countersign.sandbox.servicenow.tables import Row

NEW, ASSESS, AUTHORIZE, SCHEDULED, IMPLEMENT, REVIEW, CLOSED, CANCELED = (
    "-5",
    "-4",
    "-3",
    "-2",
    "-1",
    "0",
    "3",
    "4",
)
_NEXT = {
    NEW: (ASSESS, CANCELED),
    ASSESS: (AUTHORIZE, NEW, CANCELED),
    AUTHORIZE: (SCHEDULED, NEW, CANCELED),
    SCHEDULED: (IMPLEMENT, CANCELED),
    IMPLEMENT: (REVIEW, CANCELED),
    REVIEW: (CLOSED, IMPLEMENT),
    CLOSED: (),
    CANCELED: (),
}
_STATE_RULE = ("Change Model: Check State Transition", "c0de0000000000000000000000000201")
_CLOSE_RULE = ("Change: Require close code and notes", "c0de0000000000000000000000000202")


def check(records: Records, table: str, before: Row | None, row: Row, user: str) -> None:
    """Refuse a state that may not follow, and closing without a word about how it went.

    Raises RestError 403; an administrator may do anything.
    """
    if table != "change_request":
        return
    if before is None:
        person = BY_NAME.get(user)
        row["requested_by"] = row["requested_by"] or (person.sys_id if person else "")
        row["opened_by"] = row["opened_by"] or (person.sys_id if person else "")
    if _is_free(user):
        return
    was = NEW if before is None else before["state"]
    now = row["state"]
    if now == was:
        return
    needs_approval = now == SCHEDULED and row["approval"] != "approved"
    if now not in _NEXT.get(was, ()) or needs_approval:
        raise aborted_by_rule(table, *_STATE_RULE)
    if now == CLOSED and not (row["close_code"] and row["close_notes"]):
        raise aborted_by_rule(table, *_CLOSE_RULE)


def follow(records: Records, table: str, before: Row | None, row: Row, user: str) -> None:
    """What a new state or a new approval sets off."""
    if table != "change_request":
        return
    was = None if before is None else before["state"]
    if row["state"] != was and not (was is None and row["state"] == NEW):
        _on_state(records, row, user)
    approved = before is not None and before["approval"] != row["approval"] == "approved"
    if approved and records.options.auto_approvals and row["state"] in (ASSESS, AUTHORIZE):
        records.update(table, row, {"state": SCHEDULED}, SYSTEM)


def _on_state(records: Records, row: Row, user: str) -> None:
    state = row["state"]
    if state in (CLOSED, CANCELED):
        person = BY_NAME.get(user)
        closed = {
            "active": "false",
            "closed_at": records.options.stamp(),
            "closed_by": person.sys_id if person else "",
        }
        records.update("change_request", row, closed, user)
        approvals.withdraw(records, row, "cancelled" if state == CANCELED else "not_required", user)
    elif state == NEW:
        approvals.withdraw(records, row, "cancelled", user, decided=True)
        records.update("change_request", row, {"approval": "not requested"}, user)
    elif state in (ASSESS, AUTHORIZE) and records.options.auto_approvals:
        asked = records.store.matching("sysapproval_approver", sysapproval=row["sys_id"])
        if not any(approval["state"] == "requested" for approval in asked):
            approvals.ask_group(records, row, "change_request")


def _is_free(user: str) -> bool:
    return user == SYSTEM or (user in BY_NAME and ADMIN in BY_NAME[user].roles)
