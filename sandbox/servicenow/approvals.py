"""What follows from an answer to an approval: the record it is for, and the other approvers."""

from __future__ import annotations

from countersign.sandbox.servicenow.people import SYSTEM
from countersign.sandbox.servicenow.records import Records
from countersign.sandbox.servicenow.tables import Row, is_task

_DECIDED = ("approved", "rejected")
_COUNTED = (*_DECIDED, "requested", "not requested")


def fill_in_document(records: Records, table: str, before: Row | None, row: Row, user: str) -> None:
    """`sysapproval` and `document_id` with `source_table` say the same: one gives the other."""
    if table != "sysapproval_approver" or before is not None:
        return
    if not row["sysapproval"] and row["document_id"] and is_task(row["source_table"]):
        row["sysapproval"] = row["document_id"]
    found = records.store.find("task", row["sysapproval"])
    if found is not None:
        row["source_table"], row["document_id"] = found[0], row["sysapproval"]


def roll_up(records: Records, table: str, before: Row | None, row: Row, user: str) -> None:
    """The first answer decides the record (or all, if everyone is asked); the rest is off the hook.

    Source: ServiceNow docs, "Approvals": an approval or rejection updates the approval field of the
    record, pending approvals become "No Longer Required". Back to `requested` opens it again.
    """
    if table != "sysapproval_approver" or (before is not None and before["state"] == row["state"]):
        return
    found = records.store.find("task", row["sysapproval"])
    if found is None:
        return
    siblings = records.store.matching("sysapproval_approver", sysapproval=row["sysapproval"])
    outcome = _outcome([sibling["state"] for sibling in siblings], records.options.approval_rule)
    if row["state"] == "requested":
        outcome = "requested"  # somebody is asked (again), whatever others have said
    if outcome is None:
        return
    kind, task = found
    if task["approval"] != outcome:
        stamp = records.options.stamp() if outcome in _DECIDED else ""
        records.update(kind, task, {"approval": outcome, "approval_set": stamp}, user)
    if outcome in _DECIDED:
        for sibling in siblings:
            if sibling["state"] == "requested":
                records.update("sysapproval_approver", sibling, {"state": "not_required"}, user)


def _outcome(states: list[str], rule: str) -> str | None:
    counted = [state for state in states if state in _COUNTED]
    if "rejected" in counted:
        return "rejected"
    approved = counted.count("approved")
    if approved and (rule == "any" or approved == len(counted)):
        return "approved"
    return "requested" if "requested" in counted else None


def ask_group(records: Records, task: Row, table: str) -> None:
    """The instance's own flow asks every member of the configured group."""
    groups = records.store.matching("sys_user_group", name=records.options.auto_approvals or "")
    for group in groups:
        for member in records.store.matching("sys_user_grmember", group=group["sys_id"]):
            records.insert(
                "sysapproval_approver",
                {
                    "approver": member["user"],
                    "sysapproval": task["sys_id"],
                    "source_table": table,
                    "state": "requested",
                },
                SYSTEM,
            )


def withdraw(records: Records, task: Row, state: str, user: str, *, decided: bool = False) -> None:
    """Nobody has to answer any more: open approvals (and `decided` ones) go to `state`."""
    for approval in records.store.matching("sysapproval_approver", sysapproval=task["sys_id"]):
        is_open = approval["state"] in ("requested", "not requested")
        if is_open or (decided and approval["state"] in _DECIDED):
            records.update("sysapproval_approver", approval, {"state": state}, user)
