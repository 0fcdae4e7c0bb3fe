"""What is on the pages: the approvals that wait for a person, and one record with its answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from countersign.sandbox.servicenow.instance import Instance
from countersign.sandbox.servicenow.people import USERS, User
from countersign.sandbox.servicenow.persons import APPROVER_TABLE, Person
from countersign.sandbox.servicenow.render import Renderer, local_time, person_name
from countersign.sandbox.servicenow.tables import TABLES, Row

_TONES = {"requested": "wait", "approved": "good", "rejected": "bad"}
_NAMES = {user.sys_id: user.name for user in USERS}
_LATEST = 100
_WIDE = ("State", "Updated", "Opened")
"""Columns a phone does without."""
_IF_WIDE = ' class="wide"'


class View:
    """The pages as one user sees them."""

    def __init__(self, instance: Instance, user: User) -> None:
        self._instance, self._user = instance, user
        self._renderer = Renderer(instance.store, user, "")

    def overview(self) -> str:
        """What waits for this user, then every change he may see, the latest first."""
        mine = [
            row
            for row in self._instance.store.matching(APPROVER_TABLE, state="requested")
            if self._instance.access.answers_for(self._user, row)
        ]
        tasks = [self._instance.store.find("task", row["sysapproval"]) for row in mine]
        changes = self._instance.select(self._user, "change_request", "")
        return (
            f"<h1>My approvals</h1>{self._waiting([task for task in tasks if task])}"
            f"<h2>Changes</h2>{self._changes(changes[-_LATEST:][::-1])}"
        )

    def record(self, kind: str, task: Row, problem: str = "") -> str:
        """One record: what is asked for, who answered how, and what was said."""
        alert = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
        return (
            f"{alert}<h1>{escape(task['number'])}: {escape(task['short_description'])}</h1>"
            f'<p class="tags">{self._tag("State", kind, task, "state")}'
            f"{self._tag('Approval', kind, task, 'approval')}</p>"
            '<div class="columns"><section><h2>Description</h2><div class="card pad">'
            f"<pre>{escape(task['description'] or 'No description.')}</pre></div></section>"
            f"<aside>{self._form(task)}{self._approvers(task)}</aside>"
            f"<div>{self._changes_wanted(task)}{self._details(kind, task)}"
            f"{self._journal(kind, task)}</div></div>"
        )

    def _waiting(self, tasks: list[tuple[str, Row]]) -> str:
        rows = [
            (
                _link(task),
                _text(task["short_description"]),
                _wide(local_time(task["opened_at"], self._user)),
            )
            for _, task in tasks
        ]
        return _table(("Number", "Short description", "Opened"), rows, "Nothing waits for you.")

    def _changes(self, changes: list[Row]) -> str:
        rows = [
            (
                _link(change),
                _text(change["short_description"]),
                f"<td>{_lozenge(change['approval'], self._shown_approval(change))}</td>",
                _wide(self._shown("change_request", change, "state")),
                _wide(local_time(change["sys_updated_on"], self._user)),
            )
            for change in changes
        ]
        headers = ("Number", "Short description", "Approval", "State", "Updated")
        return _table(headers, rows, "There is no change yet.")

    def _details(self, kind: str, task: Row) -> str:
        names = ("requested_by", "assignment_group", "correlation_id", "opened_at", "due_date")
        pairs = "".join(
            f"<dt>{escape(TABLES[kind].columns[name].label)}</dt>"
            f"<dd>{escape(self._shown(kind, task, name))}</dd>"
            for name in names
            if task.get(name)
        )
        zone = f"<dt>Times are of</dt><dd>{escape(self._user.time_zone)}</dd>"
        return f'<h2>Details</h2><div class="card pad"><dl>{pairs}{zone}</dl></div>'

    def _changes_wanted(self, task: Row) -> str:
        wanted = [
            f'<div class="entry"><p><strong>{escape(_NAMES.get(row["approver"], ""))}</strong></p>'
            f"<pre>{escape(row['u_requested_changes'])}</pre></div>"
            for row in self._approvals(task)
            if row["u_requested_changes"]
        ]
        return f'<h2>Requested changes</h2><div class="card">{"".join(wanted)}</div>' * bool(wanted)

    def _journal(self, kind: str, task: Row) -> str:
        owners = {task["sys_id"]: kind} | {
            row["sys_id"]: APPROVER_TABLE for row in self._approvals(task)
        }
        entries = [
            '<div class="entry"><p>'
            f"<strong>{escape(person_name(row['sys_created_by']))}</strong> · "
            f"{escape(TABLES[owners[row['element_id']]].columns[row['element']].label)} · "
            f"{escape(local_time(row['sys_created_on'], self._user))}</p>"
            f"<pre>{escape(row['value'])}</pre></div>"
            for row in reversed(self._instance.store.all("sys_journal_field"))
            if row["element_id"] in owners
        ]
        empty = '<p class="empty">Nobody said anything yet.</p>'
        return f'<h2>Activity</h2><div class="card">{"".join(entries) or empty}</div>'

    def _approvers(self, task: Row) -> str:
        items = "".join(self._approver(row) for row in self._approvals(task))
        nobody = '<p class="empty">Nobody was asked.</p>'
        inner = f'<ul class="people">{items}</ul>' if items else nobody
        return f'<h2>Approvers</h2><div class="card">{inner}</div>'

    def _approver(self, row: Row) -> str:
        writer = row["sys_updated_by"]
        note = ""
        if row["state"] in ("approved", "rejected"):
            by = (
                ""
                if _NAMES.get(row["approver"]) == person_name(writer)
                else (f" by {person_name(writer)}")
            )
            note = f"Answered {local_time(row['sys_updated_on'], self._user)}{by}"
        return (
            f"<li><span>{escape(_NAMES.get(row['approver'], row['approver']))}</span>"
            f"{_lozenge(row['state'], self._shown(APPROVER_TABLE, row, 'state'))}"
            f"<small>{escape(note)}</small></li>"
        )

    def _form(self, task: Row) -> str:
        row = Person(self._instance, self._user).approval(task["sys_id"])
        if row is None or not self._instance.access.may_update(self._user, APPROVER_TABLE, row):
            hint = f"{self._user.name} was not asked to approve this. Act as somebody who was."
            inner = f'<p class="hint">{escape(hint)}</p>'
            return f'<h2>Your answer</h2><div class="card pad">{inner}</div>'
        person = _NAMES.get(row["approver"], "")
        whose = "" if row["approver"] == self._user.sys_id else f" for {person}"
        inner = _QUESTION
        if row["state"] != "requested":
            state = escape(self._shown(APPROVER_TABLE, row, "state"))
            inner = f'<p class="hint">This approval is: <strong>{state}</strong></p>'
            inner += _TAKE_BACK if row["state"] in ("approved", "rejected") else ""
        return (
            f"<h2>Your answer{escape(whose)}</h2>"
            f'<form class="card pad" method="post" action="/change/{escape(task["number"])}">'
            f'<input type="hidden" name="user" value="{escape(self._user.user_name)}">'
            f"{inner}</form>"
        )

    def _approvals(self, task: Row) -> list[Row]:
        return self._instance.store.matching(APPROVER_TABLE, sysapproval=task["sys_id"])

    def _shown(self, table: str, row: Row, name: str) -> str:
        return self._renderer.shown(table, row, name, TABLES[table].columns[name])

    def _shown_approval(self, change: Row) -> str:
        return self._shown("change_request", change, "approval")

    def _tag(self, label: str, table: str, row: Row, name: str) -> str:
        return _lozenge(row[name], f"{label}: {self._shown(table, row, name)}")


_QUESTION = """
<label for="comment">Comment</label><textarea id="comment" name="comment"></textarea>
<label for="changes">Requested changes</label>
<textarea id="changes" name="changes" aria-describedby="changes-hint"></textarea>
<p class="hint" id="changes-hint">Only if it should be done differently.</p>
<div class="buttons"><button class="yes" name="answer" value="approve">Approve</button>
<button class="no" name="answer" value="reject">Reject</button></div>
"""
_TAKE_BACK = (
    '<div class="buttons"><button class="plain" name="answer" value="reopen">Take it back</button>'
    "</div>"
)


def _table(headers: Iterable[str], rows: Sequence[tuple[str, ...]], empty: str) -> str:
    if not rows:
        return f'<div class="card"><p class="empty">{escape(empty)}</p></div>'
    head = "".join(
        f'<th scope="col"{_IF_WIDE if name in _WIDE else ""}>{escape(name)}</th>'
        for name in headers
    )
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f'<div class="card scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _link(task: Row) -> str:
    number = escape(task["number"])
    return f'<td class="short"><a href="/change/{number}">{number}</a></td>'


def _text(text: str) -> str:
    return f'<td class="text">{escape(text)}</td>'


def _wide(text: str) -> str:
    return f'<td class="short wide">{escape(text)}</td>'


def _lozenge(state: str, text: str) -> str:
    return f'<span class="tag {_TONES.get(state, "")}">{escape(text)}</span>'
