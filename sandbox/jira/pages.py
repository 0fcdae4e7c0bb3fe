"""What a person does in the browser: look, decide, comment. Plain forms, then a redirect."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from aiohttp import web

from countersign.sandbox.jira import issues, moves
from countersign.sandbox.jira.catalog import REQUESTED_CHANGES, STATUSES
from countersign.sandbox.jira.page_view import Pages
from countersign.sandbox.jira.people import ALEX, Account
from countersign.sandbox.jira.refusals import JiraError
from countersign.sandbox.jira.site import Site

COOKIE = "acting_as"


def routes(site: Site) -> list[web.RouteDef]:
    """The list, an issue, and its two forms."""

    def html(request: web.Request, text: str, status: int = 200) -> web.Response:
        response = web.Response(text=text, content_type="text/html", status=status)
        named = site.directory.named(request.query.get("as"))
        if named is not None:
            response.set_cookie(COOKIE, named.login, samesite="Strict", httponly=True)
        return response

    async def listing(request: web.Request) -> web.Response:
        return html(request, Pages(site, _actor(site, request)).listing())

    async def show(request: web.Request) -> web.Response:
        actor = _actor(site, request)
        try:
            issue = site.find(actor, request.match_info["key"])
        except JiraError as error:
            return html(request, Pages(site, actor).missing(str(error)), 404)
        page = Pages(site, actor).issue(
            issue, refused=request.query.get("refused", ""), done=request.query.get("done", "")
        )
        return html(request, page)

    async def act(request: web.Request) -> web.Response:
        form = await request.post()
        comment, transition = str(form.get("comment", "")), form.get("transition")
        decision = form.get("decision")

        def work(actor: Account, key: str) -> str:
            issue = before = site.find(actor, key)
            if decision is not None:
                pending = issue.pending_approval
                number = str(pending.id) if pending else "none"
                issue, _ = moves.answer_approval(site, actor, issue, number, decision)
            elif transition is not None:
                body = {"transition": {"id": str(transition)}}
                issue = moves.transition(site, actor, issue, body)
            if comment.strip() or (decision is None and transition is None):
                issues.comment(site, actor, issue, comment)
            if issue.status != before.status:
                return f"Moved to {STATUSES[issue.status].name}."
            return "Comment added." if decision is None else "Your answer was written down."

        return _redirect(site, request, form.get("as"), work)

    async def changes(request: web.Request) -> web.Response:
        form = await request.post()
        text = str(form.get("changes", "")).replace("\r\n", "\n").strip()

        def work(actor: Account, key: str) -> str:
            body = {"fields": {REQUESTED_CHANGES: text or None}}
            issues.edit(site, actor, site.find(actor, key), body)
            return "Requested changes saved."

        return _redirect(site, request, form.get("as"), work)

    return [
        web.get("/", listing),
        web.get("/browse/{key}", show),
        web.post("/browse/{key}/act", act),
        web.post("/browse/{key}/changes", changes),
    ]


def _actor(site: Site, request: web.Request) -> Account:
    """Who the person plays: chosen now, chosen before, or Alex."""
    chosen = request.query.get("as") or request.cookies.get(COOKIE)
    return site.directory.named(chosen) or ALEX


def _redirect(
    site: Site, request: web.Request, login: object, work: Callable[[Account, str], str]
) -> web.Response:
    """Do `work`, and go back to the issue with what came of it."""
    key = request.match_info["key"]
    actor = site.directory.named(login) or _actor(site, request)
    try:
        outcome = {"done": work(actor, key)}
    except JiraError as error:
        outcome = {"refused": str(error)}
    return web.Response(status=303, headers={"Location": f"/browse/{key}?{urlencode(outcome)}"})
