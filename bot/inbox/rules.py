"""People and rules: who there is, what the rules are, what they would say of a call; and what is
paused, with its switches, or granted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from countersign.approvals.errors import CountersignError, InvalidError, UnavailableError
from countersign.approvals.models import PauseKind, PauseScope, Principal
from countersign.approvals.rules.deciding import stages_in_words
from countersign.approvals.rules.pausing import known_in
from countersign.approvals.strict_json import read_json
from countersign.bot.api.operation import MAX_ID_CHARS, Services
from countersign.bot.http.problems import status_of
from countersign.bot.inbox.pages import Form, Pages
from countersign.bot.inbox.requests import KEPT
from countersign.bot.inbox.shell import HOME, Visit, to
from countersign.bot.inbox.words import N_
from countersign.bot.policy.explained import Rules, call_of, told
from countersign.connectors.system import Route

PATH = f"{HOME}/rules"
PEOPLE = 50
LISTED = 5
"""So many grants are named; their own page has all."""
SAID = {
    "paused": N_("It is paused."),
    "resumed": N_("It is resumed."),
}


@dataclass(frozen=True)
class RuleRow:
    """One rule, as the table shows it."""

    where: str
    tool: str
    when: str
    effect: str
    who: str
    risk: str
    reason: str


class RulesPage:
    """Shows them, and turns the switches."""

    def __init__(self, pages: Pages, services: Services, rules: Callable[[], Rules]):
        self._pages, self._services, self._rules = pages, services, rules
        self._records, self._approvals = services.records, services.approvals

    def routes(self) -> Sequence[Route]:
        """Their addresses."""
        pages = self._pages
        return [
            Route("GET", PATH, pages.look(self.show)),
            Route("POST", f"{PATH}/explain", pages.act(self.explain)),
            Route("POST", f"{PATH}/pauses", pages.act(self.pause)),
            Route("POST", f"{PATH}/pauses/{{id}}/end", pages.act(self.resume)),
        ]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """All of it."""
        return await self._draw(visit, said=SAID.get(visit.request.query.get("said", ""), ""))

    async def _draw(
        self,
        visit: Visit,
        *,
        form: Form | None = None,
        name: str = "",
        lines: Sequence[str] = (),
        said: str = "",
        error: str = "",
        status: int = HTTPStatus.OK,
    ) -> web.StreamResponse:
        rules = self._rules()
        policy = rules.policy
        people, further = self._people(visit)
        known = known_in(self._services.sessions.known())
        return self._pages.shell.page(
            visit,
            "rules.html",
            status=status,
            people=people,
            further=further,
            asked=visit.request.query.get("q", ""),
            rules=[_row(where, rule) for where, rule in policy.entries.items()],
            version=policy.version,
            pauses=await self._records.pauses(),
            grants=await self._records.grants(limit=LISTED, holding=True),
            listed=LISTED,
            is_admin=is_admin(visit.reader, policy.administrators),
            scopes=[str(PauseScope(kind=kind, name=n)) for kind in known for n in known[kind]],
            tools=sorted(known[PauseKind.TOOL]),
            known={str(kind): sorted(names) for kind, names in known.items()},
            typed=form.fields if form else {},
            form=name,
            lines=lines,
            said=said,
            error=error,
        )

    def _people(self, visit: Visit) -> tuple[Sequence[Principal], str]:
        query = visit.request.query
        wanted, after = query.get("q", "").casefold(), query.get("after", "")
        found = [
            person
            for person in self._services.directory.everybody()
            if person.id > after and wanted in f"{person.id} {person.name}".casefold()
        ]
        page = found[:PEOPLE]
        if len(found) <= PEOPLE:
            return page, ""
        return page, f"{PATH}?{urlencode({'q': wanted, 'after': page[-1].id})}"

    async def explain(self, visit: Visit, form: Form) -> web.StreamResponse:
        """What the rules say of a call. Nothing is proposed by that."""
        if form.is_kept:
            return await self._draw(visit, form=form, name="explain", said=KEPT)
        try:
            asked = call_of(_call(form), "call")
            now, rules = self._pages.shell.clock.now(), self._rules()
            found = await asyncio.to_thread(rules.explain, asked, now)
            lines = list(told(found, rules.directory, asked, now, rules.policy.calendars))
        except CountersignError as error:
            return await self._again(visit, form, "explain", error)
        return await self._draw(visit, form=form, name="explain", lines=lines)

    async def pause(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Let nothing of a tool, workflow or agent begin, or nothing at all."""
        kind, _, name = form.text("scope").partition(":")
        if kind not in set(PauseKind):
            error = InvalidError("Choose what to pause.")
            return await self._again(visit, form, "pause", error)
        known = known_in(self._services.sessions.known())
        scope = PauseScope(kind=PauseKind(kind), name=name)
        pausing = self._approvals.pausing
        reason = form.text("reason")
        return await self._turned(
            visit, form, "pause", "paused", lambda: pausing.pause(scope, reason, visit.actor, known)
        )

    async def resume(self, visit: Visit, form: Form) -> web.StreamResponse:
        """End a pause."""
        pausing = self._approvals.pausing
        return await self._turned(
            visit, form, "resume", "resumed", lambda: pausing.resume_by_id(_id(visit), visit.actor)
        )

    async def _turned(
        self, visit: Visit, form: Form, name: str, said: str, work: Callable[[], Awaitable[Any]]
    ) -> web.StreamResponse:
        if form.is_kept:
            return await self._draw(visit, form=form, name=name, said=KEPT)
        try:
            await work()
        except UnavailableError:
            raise
        except CountersignError as error:
            return await self._again(visit, form, name, error)
        return to(f"{PATH}?said={said}")

    async def _again(
        self, visit: Visit, form: Form, name: str, error: CountersignError
    ) -> web.StreamResponse:
        return await self._draw(
            visit, form=form, name=name, error=str(error), status=status_of(error)
        )


def is_admin(person: Principal, roles: Sequence[str]) -> bool:
    """Whether the policy makes them an administrator."""
    return not person.roles.isdisjoint(roles)


def _id(visit: Visit) -> str:
    return visit.request.match_info["id"][:MAX_ID_CHARS].replace("\0", "")


def _call(form: Form) -> dict[str, Any]:
    text = form.text("arguments").strip() or "{}"
    try:
        arguments = read_json(text, exact=True, unique=True)
    except (ValueError, json.JSONDecodeError) as error:
        raise InvalidError(f"The arguments are not JSON: {error}") from None
    call = {"tool": form.text("tool"), "arguments": arguments}
    return call | ({"requester": form.text("requester")} if form.text("requester") else {})


def _row(where: str, rule: Any) -> RuleRow:
    tools = getattr(rule, "tools", None) or getattr(rule, "tool", None)
    named = where.removeprefix("policy.tools.") if where.startswith("policy.tools.") else ""
    tool = named if tools is None else ", ".join([tools] if isinstance(tools, str) else tools)
    stages = rule.tiers()
    return RuleRow(
        where=where.removeprefix("policy."),
        tool=tool,
        when=str(getattr(rule, "when", None) or ""),
        effect=str(rule.effect),
        who=stages_in_words(stages) if stages else "",
        risk=str(rule.risk),
        reason=rule.reason,
    )
