"""The page as HTML: every word that is not ours is escaped, nothing runs, nothing is fetched."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from html import escape

from countersign.approvals.forms.changers import changers
from countersign.approvals.forms.display import (
    Shown,
    deciding,
    set_by_workflow,
    shown_arguments,
    shown_facts,
)
from countersign.approvals.forms.rollouts import standing_words
from countersign.approvals.forms.times import coming, happened, then
from countersign.approvals.forms.wording import in_words, people_in_words, visible
from countersign.approvals.models import (
    JsonObject,
    Preview,
    Principal,
    Request,
    RequestStatus,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.budgets.words import lines
from countersign.approvals.rules.repeats import in_sentence

STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1rem;
overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:.5rem 0}
h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
dl{display:grid;grid-template-columns:minmax(7rem,1fr) 3fr;gap:.5rem 1rem;margin:0}
dt{opacity:.75}
dd{margin:0;white-space:pre-wrap}
.mark{opacity:.75;font-style:italic}
.note,.risk{font-weight:600}
.said{white-space:pre-wrap;border-left:3px solid;padding-left:.8rem;margin:.4rem 0}
.small{font-size:.88rem;opacity:.8}
table{border-collapse:collapse}td,th{border:1px solid;padding:.2rem .5rem;text-align:left}
pre{white-space:pre-wrap}
form{margin:2rem 0;padding:1rem;border:2px solid}
button,select{font:inherit;padding:.5rem 1rem;margin-top:.6rem}
@media(max-width:30rem){dl{grid-template-columns:1fr;gap:0 1rem}dd{margin-bottom:.7rem}}
"""
_STYLE_HASH = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def page(title: str, parts: Iterable[str]) -> str:
    """A whole document; `title` is ours, `parts` are HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def notice(title: str, *sentences: str) -> str:
    """A page that only says something."""
    return page(title, [f"<h1>{escape(title)}</h1>", *(f"<p>{escape(s)}</p>" for s in sentences)])


def whole(view: RequestView) -> list[str]:
    """Everything about a request: what would run, why, who decides until when, and its names."""
    request = view.request
    shown = shown_arguments(
        request.arguments,
        view.arguments_schema,
        first=request.show_first,
        defaulted=request.defaulted,
    )
    asker = view.requester.name if view.requester else request.requester
    parts = [
        f"<h1>{escape(in_words(request.tool))}</h1>",
        f'<p class="risk">{escape(str(request.risk).capitalize())} risk. {_state(request)}</p>',
        _deciding(request, shown),
        f"<p>Asked by the agent <b>{_theirs(request.agent)}</b> for <b>{_theirs(asker)}</b>.</p>",
    ]
    parts += [f"<p><b>Take care:</b> {_theirs(pause.words)}</p>" for pause in view.held]
    if request.asked_again:
        parts.append(f"<p><b>Asked again:</b> {_theirs(request.asked_again)}</p>")
    parts += [
        f"<p><b>Take care:</b> {_theirs(in_sentence(same))}</p>" for same in request.same_calls
    ]
    if standing := standing_words(request):
        parts.append(f"<p><b>Rollout</b> {_theirs(standing)}</p>")
    parts += [f"<p><b>Budget</b> {_theirs(line)}</p>" for line in lines(request.budgets)]
    parts += [
        _heading("What exactly would run"),
        _fields((*shown, *set_by_workflow(request.injected))),
    ]
    if request.proposed_arguments is not None:
        before = shown_arguments(request.proposed_arguments, view.arguments_schema)
        who = changers(request)
        changed = [f"<p>Changed by <b>{_theirs(who)}</b>.</p>"] if who else []
        parts += [_heading("What the agent had proposed"), *changed, _fields(before)]
    if request.facts:
        parts += [_heading("As checked when it was asked"), _fields(shown_facts(request.facts))]
    if request.preview is not None:
        parts += [_heading("What would happen"), _preview(request.preview)]
    reason = request.rationale.strip()
    said = f'<p class="said">{_theirs(reason)}</p>' if reason else "<p>The agent gave none.</p>"
    return [*parts, _heading("Why, in the agent's words"), said, *_who(view), *_details(view)]


def confirmation(token: str, people: Sequence[Principal], *, known: bool) -> str:
    """The button that says to have read it; whoever opened a link for several says who they are."""
    who = ""
    if not known:
        options = "".join(
            f'<option value="{escape(p.id)}">{_theirs(p.name)}</option>' for p in people
        )
        who = (
            '<label>I am <select name="who" required><option value="">choose</option>'
            f"{options}</select></label><br>"
        )
    return (
        f'<form method="post"><input type="hidden" name="confirm" value="{escape(token)}">'
        f"<p>This page cannot approve anything. Once you have read all of it, say so here; then "
        f"you can approve it where you were asked.</p>{who}"
        '<button type="submit">I have read all of it</button></form>'
    )


def _theirs(text: str) -> str:
    """Words of others, in one line or more, as they are."""
    return escape(visible(text))


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _state(request: Request) -> str:
    if request.status is RequestStatus.PENDING:
        return "It waits for a decision; nothing has run."
    return f"It is {escape(in_words(request.status).lower())}."


def _deciding(request: Request, shown: Sequence[Shown]) -> str:
    named = deciding(request.arguments, shown, request.show_first)
    return "<p>" + " · ".join(f"{escape(e.label)} <b>{escape(e.text)}</b>" for e in named) + "</p>"


def _fields(shown: Sequence[Shown]) -> str:
    rows = []
    for each in shown:
        mark = f' <span class="mark">{escape(each.mark)}</span>' if each.mark else ""
        notes = "".join(f'<div class="note">{escape(note)}</div>' for note in each.notes)
        label = f"<dt>{escape(each.label)}</dt>"
        rows.append(f"{label}<dd>{escape(each.text)}{mark}{notes}</dd>")
    return f"<dl>{''.join(rows)}</dl>" if rows else "<p>It takes no arguments.</p>"


def _preview(preview: Preview) -> str:
    if preview.kind != "table":
        return f"<pre>{_theirs(preview.text)}</pre>"
    rows = []
    for number, cells in enumerate(preview.rows):
        kind = "td" if number else "th"
        rows.append("".join(f"<{kind}>{_theirs(cell)}</{kind}>" for cell in cells))
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _who(view: RequestView) -> list[str]:
    request = view.request
    if request.status is not RequestStatus.PENDING:
        return []
    until = "It waits until somebody decides."
    if request.expires_at is not None:
        until = f"Until {_moment(request.expires_at)}; if nobody does, {escape(then(request))}."
    until = " ".join(filter(None, [escape(happened(request)), until, escape(coming(request))]))
    return [
        _heading("Who can decide"),
        f"<p><b>{escape(people_in_words(view.eligible))}</b>. {until}</p>",
    ]


def _details(view: RequestView) -> list[str]:
    request = view.request
    rows: JsonObject = {
        "Tool": request.tool,
        "Rule": f"{request.rule_id}: {request.reason}".removesuffix(": "),
        "Workflow": f"{view.session.workflow}, session {view.session.id}",
        "Request": f"{request.id}, revision {request.revision}",
        "Asked": _moment(request.created_at),
        "Digest": request.digest,
        "Policy": request.policy_version,
    }
    cells = (f"<dt>{escape(name)}</dt><dd>{_theirs(text)}</dd>" for name, text in rows.items())
    return [_heading("Details"), f'<dl class="small">{"".join(cells)}</dl>']


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
