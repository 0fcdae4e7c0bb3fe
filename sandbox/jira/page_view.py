"""The pages as HTML: the list of issues, and one issue with what the person may do."""

from __future__ import annotations

from datetime import datetime
from html import escape
from urllib.parse import quote

from countersign.sandbox.jira import approvals, moves, wiki
from countersign.sandbox.jira.catalog import (
    APPROVERS,
    DECLINED,
    FIELDS,
    PRIORITIES,
    PROJECTS,
    REJECTED,
    REQUESTED_CHANGES,
    STATUSES,
)
from countersign.sandbox.jira.model import Change, Issue
from countersign.sandbox.jira.page_style import SCRIPT, STYLE
from countersign.sandbox.jira.people import Account
from countersign.sandbox.jira.site import Site

_STOPPED = (REJECTED, DECLINED)
_GO, _STOP = ("Approve",), ("Reject", "Decline")


class Pages:
    """HTML for one person who looks at the site."""

    def __init__(self, site: Site, actor: Account) -> None:
        self._site, self._actor = site, actor

    def listing(self) -> str:
        """Every issue, the ones that are not done first, the latest first."""
        issues = [i for i in self._site.store.all() if self._sees(i)]
        done = [i for i in issues if self._site.is_done(i)]
        going = [i for i in issues if not self._site.is_done(i)]
        body = (
            "<h1>Issues</h1>"
            + self._table("going", "Open", going, "Nothing is waiting.")
            + self._table("done", "Done", done, "Nothing is done yet.")
        )
        return self._page("Issues", body)

    def _sees(self, issue: Issue) -> bool:
        return self._site.access.may(self._actor, issue.project, "BROWSE_PROJECTS")

    def _table(self, part: str, title: str, issues: list[Issue], empty: str) -> str:
        rows = "".join(
            f'<tr><td class="key"><a href="/browse/{i.key}">{i.key}</a></td>'
            f'<td class="wide">{escape(i.fields["summary"])}</td><td>{_lozenge(i.status)}</td>'
            f"<td>{escape(self._name(i.fields.get('assignee')))}</td>"
            f'<td class="when">{_when(i.updated_at)}</td></tr>'
            for i in sorted(issues, key=lambda i: i.updated_at, reverse=True)
        )
        heads = "".join(
            f'<th scope="col">{name}</th>'
            for name in ("Key", "Summary", "Status", "Assignee", "Updated")
        )
        inner = (
            f'<div class="scroll"><table class="list"><thead><tr>{heads}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
            if rows
            else f'<p class="empty">{empty}</p>'
        )
        return f'<section class="card" id="{part}" data-live><h2>{title}</h2>{inner}</section>'

    def issue(self, issue: Issue, *, refused: str = "", done: str = "") -> str:
        """One issue; `refused` and `done` say how the last action ended."""
        project = PROJECTS[issue.project]
        note = f'<p class="note" role="status">{escape(done)}</p>' if done else ""
        if refused:
            note = f'<p class="note bad" role="alert">{escape(refused)}</p>'
        body = (
            f'<p class="crumb" id="crumb" data-live>{escape(project.name)} / {issue.key} '
            f"{_lozenge(issue.status)}</p>"
            f"<h1>{escape(issue.fields['summary'])}</h1>{note}"
            f'<div class="columns"><div>{self._description(issue)}{self._decide(issue)}'
            f"{self._changes_form(issue)}{self._activity(issue)}</div>"
            f"<aside>{self._details(issue)}</aside></div>"
        )
        return self._page(f"{issue.key} {issue.fields['summary']}", body)

    def missing(self, sentence: str) -> str:
        """There is no such issue, or not for this person."""
        return self._page("Not found", f"<h1>Not found</h1><p>{escape(sentence)}</p>")

    def _description(self, issue: Issue) -> str:
        text = issue.fields.get("description")
        inner = self._wiki(text) if text else '<p class="empty">No description.</p>'
        return (
            '<section class="card" id="description" data-live><h2>Description</h2>'
            f'<div class="text">{inner}</div></section>'
        )

    def _decide(self, issue: Issue) -> str:
        """The comment box with a button for each thing that can be done with it."""
        base = f"/browse/{issue.key}"
        pending, offered = issue.pending_approval, []
        if pending is not None and approvals.may_answer(self._actor, pending):
            offered = [("Approve", "decision", "approve"), ("Decline", "decision", "decline")]
        steps = moves.available(self._site, self._actor, issue)
        offered += [(step.name, "transition", step.id) for step in steps]
        buttons = "".join(
            f'<button class="{_look(name)}" name="{kind}" value="{value}">{escape(name)}</button>'
            for name, kind, value in offered
        )
        waiting = ""
        if pending is not None:
            names = ", ".join(self._name(found.account_id) for found in pending.approvers)
            waiting = (
                f'<p class="hint">Waiting for the approval of {escape(names or "nobody")}.</p>'
            )
        return (
            f'<section class="card"><h2>Decide or comment as {escape(self._actor.display_name)}'
            f'</h2><form method="post" action="{base}/act">{self._hidden()}'
            '<label for="comment">Comment</label>'
            '<textarea id="comment" name="comment" aria-describedby="comment-hint"></textarea>'
            '<p class="hint" id="comment-hint">Optional with a button that moves the issue; it is '
            "posted as your comment.</p>"
            f'<div id="offered" data-live>{waiting}<div class="buttons">{buttons}'
            '<button name="only" value="comment">Comment only</button></div></div>'
            "</form></section>"
        )

    def _hidden(self) -> str:
        return f'<input type="hidden" name="as" value="{self._actor.login}">'

    def _changes_form(self, issue: Issue) -> str:
        value = escape(issue.fields.get(REQUESTED_CHANGES) or "")
        return (
            f'<section class="card"><form method="post" action="/browse/{issue.key}/changes">'
            f'{self._hidden()}<label for="changes">Requested changes</label>'
            f'<textarea id="changes" name="changes" aria-describedby="changes-hint">\n{value}'
            '</textarea><p class="hint" id="changes-hint">What has to be different for an '
            'approval, in the form the description asks for.</p><div class="buttons">'
            "<button>Save requested changes</button></div></form></section>"
        )

    def _details(self, issue: Issue) -> str:
        labels = "".join(f'<span class="tag">{escape(label)}</span>' for label in issue.labels)
        rows = [
            ("Status", _lozenge(issue.status)),
            ("Assignee", escape(self._name(issue.fields.get("assignee")))),
            ("Reporter", escape(self._name(issue.fields.get("reporter")))),
            ("Priority", PRIORITIES.get(issue.fields.get("priority", ""), "None")),
            ("Labels", labels or "None"),
            ("Due", escape(issue.fields.get("duedate") or "None")),
        ]
        for name, value in issue.fields.items():
            if name.startswith("customfield_") and name != REQUESTED_CHANGES and value:
                shown = ", ".join(map(self._name, value)) if name == APPROVERS else value
                shown = self._name(shown) if FIELDS[name].kind == "user" else shown
                rows.append((FIELDS[name].name, escape(str(shown))))
        rows.append(("Created", _when(issue.created_at)))
        rows.append(("Updated", _when(issue.updated_at)))
        inner = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
        return (
            '<section class="card" id="details" data-live><h2>Details</h2>'
            f"<dl>{inner}</dl></section>"
        )

    def _activity(self, issue: Issue) -> str:
        comments = "".join(
            f"<li><strong>{escape(self._name(c.author))}</strong> "
            f'<span class="when">{_when(c.at)}</span>'
            f'<div class="text">{self._wiki(c.body)}</div></li>'
            for c in issue.comments
        )
        history = "".join(
            f"<li><strong>{escape(self._name(h.author))}</strong> "
            f'<span class="when">{_when(h.at)}</span>'
            f"{''.join(map(_change, h.changes))}</li>"
            for h in reversed(issue.histories)
        )
        return (
            '<section class="card" id="comments" data-live><h2>Comments</h2>'
            + (f'<ol class="events">{comments}</ol>' if comments else _nothing("No comments yet."))
            + '</section><section class="card" id="history" data-live><h2>History</h2>'
            + (f'<ol class="events">{history}</ol>' if history else _nothing("No changes yet."))
            + "</section>"
        )

    def _wiki(self, text: str) -> str:
        return wiki.render(text, self._name)

    def _name(self, account_id: str | None) -> str:
        account = self._site.directory.get(account_id)
        return account.display_name if account else account_id or "Nobody"

    def _page(self, title: str, body: str) -> str:
        people = "".join(
            f'<option value="{a.login}"{" selected" if a == self._actor else ""}>'
            f"{escape(a.display_name)}</option>"
            for a in self._site.directory
        )
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f"<title>{escape(title)} - Jira stand-in</title>"
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<link rel="icon" href="data:,">'
            f'<style>{STYLE}</style></head><body><header class="bar"><div>'
            '<strong><a href="/">Jira stand-in</a></strong>'
            '<form method="get"><label for="as">Acting as</label>'
            f'<select id="as" name="as">{people}</select><button>Switch</button></form>'
            f"</div></header><main>{body}</main><script>{SCRIPT}</script></body></html>"
        )


def _look(name: str) -> str:
    return "go" if name in _GO else "stop" if name in _STOP else "plain"


def _lozenge(status_id: str) -> str:
    status = STATUSES[status_id]
    look = "stop" if status_id in _STOPPED else status.category
    return f'<span class="lozenge {look}">{escape(status.name)}</span>'


def _when(at: datetime) -> str:
    return f'<time datetime="{quote(at.isoformat(), safe=":+-")}">{at:%Y-%m-%d %H:%M} UTC</time>'


def _nothing(sentence: str) -> str:
    return f'<p class="empty">{sentence}</p>'


def _change(change: Change) -> str:
    name = FIELDS[change.field_id].name if change.field_id in FIELDS else change.field.title()
    before, after = (_short(text) for text in (change.before_text, change.after_text))
    return f"<p>{escape(name)}: {before} → {after}</p>"


def _short(text: str | None) -> str:
    if not text:
        return "none"
    return escape(text if len(text) <= 120 else text[:117] + "…")
