"""The pages to look at: the tasks of the project, and one task with its approval and its comments,
drawn much as Asana draws them."""

from __future__ import annotations

from html import escape
from typing import Any

from aiohttp import web

from countersign.sandbox.asana.people import (
    ALEX,
    BOT,
    BY_LOGIN,
    CHANGES_FIELD,
    PROJECT,
    USERS,
    User,
)
from countersign.sandbox.asana.records import FIELDS, RefusedError, Task
from countersign.sandbox.asana.workspace import Workspace

STYLE = """
:root{color-scheme:light dark;--ink:#1e1f21;--soft:#6d6e6f;--paper:#fff;--line:#e0dfdf;--go:#0f6b57;
--no:#b3243a;--ask:#8a5a00;--tint:#f6f8f9}
@media(prefers-color-scheme:dark){:root{--ink:#f5f4f3;--soft:#b0aeac;--paper:#1e1f21;--line:#424244;
--go:#5fc7ab;--no:#ff8f9c;--ask:#f0c060;--tint:#252628}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:780px;padding:20px 16px 48px;background:var(--paper);color:var(--ink);
font:15px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;overflow-wrap:anywhere}
a{color:inherit}nav{color:var(--soft);margin-bottom:20px}h1{font-size:22px;margin:8px 0 16px}
h2{font-size:14px;color:var(--soft);margin:24px 0 8px}
.status{display:inline-block;border:1px solid currentColor;border-radius:6px;padding:1px 8px;
font-size:13px}.approved{color:var(--go)}.rejected{color:var(--no)}.changes_requested{color:var(--ask)}
dl{display:grid;grid-template-columns:auto 1fr;gap:4px 24px;margin:0 0 16px}dt{color:var(--soft)}
dd{margin:0}.notes{white-space:pre-wrap;border-top:1px solid var(--line);padding-top:16px}
.story{border-top:1px solid var(--line);padding:8px 0;white-space:pre-wrap}
.story b{margin-right:8px}
.system{color:var(--soft);font-size:13px}
form{display:flex;flex-wrap:wrap;gap:8px;margin:12px 0}
button{font:inherit;padding:6px 14px;border-radius:6px;border:1px solid var(--line);cursor:pointer;
background:var(--tint);color:var(--ink)}
textarea{flex:1 1 100%;font:inherit;padding:8px 12px;border:1px solid var(--soft);border-radius:6px;
background:var(--paper);color:var(--ink)}
li{margin:8px 0}ul{padding:0;list-style:none}
"""
ANSWERS = {
    "approved": "Approve",
    "changes_requested": "Request changes",
    "rejected": "Reject",
    "pending": "Reopen",
}


class Pages:
    """`/`, `/0/{project}/{task}`, and what people do there, as whoever they say they are."""

    def __init__(self, workspace: Workspace):
        self._space = workspace

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        task = f"/0/{PROJECT}/{{gid}}"
        return [
            web.get("/", self._list),
            web.get(task, self._task),
            web.post(task, self._do),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        who = _who(request)
        tasks = reversed(list(self._space.tasks.values()))
        rows = "".join(f"<li>{_status(t)} {_link(t, who)}</li>" for t in tasks)
        empty = "<p>No tasks yet.</p>"
        return _page("Approvals", f"<h1>Approvals</h1><ul>{rows}</ul>{'' if rows else empty}", who)

    async def _task(self, request: web.Request) -> web.Response:
        try:
            task = self._space.task(request.match_info["gid"])
        except RefusedError as error:
            raise web.HTTPNotFound(text=str(error)) from error
        return _page(task.name, _whole(task), _who(request))

    async def _do(self, request: web.Request) -> web.Response:
        who, gid, form = _who(request), request.match_info["gid"], await request.post()
        try:
            if comment := str(form.get("comment", "")).strip():
                self._space.comment(who, gid, comment.replace("\r\n", "\n"))
            if "changes" in form and (changes := str(form["changes"]).replace("\r\n", "\n")):
                self._space.update(who, gid, {"custom_fields": {CHANGES_FIELD: changes}})
            if status := form.get("status"):
                self._space.update(who, gid, {"approval_status": str(status)})
        except RefusedError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        raise web.HTTPSeeOther(f"{request.path}?as={who.login}")


def _who(request: web.Request) -> User:
    return BY_LOGIN.get(request.query.get("as", ""), ALEX)


def _page(title: str, body: str, who: User) -> web.Response:
    others = " · ".join(
        f'<a href="?as={user.login}">{escape(user.name)}</a>' for user in USERS if user != BOT
    )
    html = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} - Asana (stand-in)</title><style>{STYLE}</style>"
        f'<nav><a href="/?as={who.login}">Asana</a>, as {escape(who.name)}<br>{others}</nav>'
        f"{body}</html>"
    )
    return web.Response(text=html, content_type="text/html")


def _status(task: Task) -> str:
    status = task.status or ("completed" if task.completed else "task")
    return f'<span class="status {escape(status)}">{escape(status.replace("_", " "))}</span>'


def _link(task: Task, who: User) -> str:
    return f'<a href="/0/{PROJECT}/{task.gid}?as={who.login}">{escape(task.name)}</a>'


def _whole(task: Task) -> str:
    people = ", ".join(user.name for user in task.followers if user != BOT)
    facts = {
        "Assignee": "nobody" if task.assignee is None else task.assignee.name,
        "Collaborators": people,
        **{FIELDS[gid]: text for gid, text in task.texts.items() if text},
    }
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in facts.items()
    )
    buttons = "".join(
        f'<button name="status" value="{status}">{words}</button>'
        for status, words in ANSWERS.items()
        if (status == "pending") == (task.status != "pending")
    )
    stories = "".join(_story(each) for each in task.stories)
    return (
        f"{_status(task)}<h1>{escape(task.name)}</h1><dl>{rows}</dl>"
        f'<div class="notes">{escape(task.notes)}</div>'
        '<form method="post"><textarea name="changes" rows="2" aria-label="Changes" '
        'placeholder="Changes"></textarea><textarea name="comment" rows="3" aria-label="Comment" '
        f'placeholder="Add a comment"></textarea><button>Comment</button>{buttons}</form>'
        f"<h2>Activity</h2>{stories}"
    )


def _story(story: dict[str, Any]) -> str:
    kind = "story" if story["type"] == "comment" else "story system"
    who = escape(story["created_by"]["name"])
    return f'<div class="{kind}"><b>{who}</b>{escape(story["text"])}</div>'
