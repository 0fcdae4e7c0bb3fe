"""Grants: what is granted, how far it is used and by whom it was given, with its switch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from countersign.approvals.errors import CountersignError, UnavailableError
from countersign.approvals.forms.display import Shown, shown_arguments
from countersign.approvals.models import Grant, Used
from countersign.approvals.records.paging import MAX_PAGE
from countersign.approvals.rules.grants import is_used_up
from countersign.approvals.rules.policy import Policy
from countersign.bot.api.operation import MAX_ID_CHARS, Services
from countersign.bot.http.problems import status_of
from countersign.bot.inbox.pages import Form, Pages
from countersign.bot.inbox.requests import KEPT
from countersign.bot.inbox.shell import HOME, Visit, to
from countersign.bot.inbox.words import N_
from countersign.connectors.system import Route

PATH = f"{HOME}/rules/grants"
SAID = {"revoked": N_("The grant is revoked.")}


@dataclass(frozen=True)
class Row:
    """One grant, as the table shows it."""

    grant: Grant
    used: Used
    same: Sequence[Shown]
    """What has to be equal."""
    share: float
    """How much of it is used, from 0 to 1, of the bound that is nearest."""
    state: str
    """"" while it holds."""
    can_revoke: bool


class GrantsPage:
    """Shows and revokes."""

    def __init__(self, pages: Pages, services: Services, policy: Callable[[], Policy]):
        self._pages, self._policy = pages, policy
        self._records, self._approvals = services.records, services.approvals

    def routes(self) -> Sequence[Route]:
        """Their addresses."""
        return [
            Route("GET", PATH, self._pages.look(self.show)),
            Route("POST", f"{PATH}/{{id}}/revocation", self._pages.act(self.revoke)),
        ]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """Those that hold, or all."""
        return await self._draw(visit, said=SAID.get(visit.request.query.get("said", ""), ""))

    async def _draw(
        self, visit: Visit, *, said: str = "", error: str = "", status: int = HTTPStatus.OK
    ) -> web.StreamResponse:
        is_all = "all" in visit.request.query
        now = self._pages.shell.clock.now()
        found = await self._records.grants(limit=MAX_PAGE, holding=not is_all)
        is_admin = not visit.reader.roles.isdisjoint(self._policy().administrators)
        rows = [
            Row(
                grant=grant,
                used=used,
                same=shown_arguments(grant.same),
                share=share_of(grant, used),
                state=state_of(
                    grant, used, is_over=bool(grant.expires_at and grant.expires_at <= now)
                ),
                can_revoke=grant.revoked_at is None
                and (is_admin or any(giver.by == visit.reader.id for giver in grant.givers)),
            )
            for grant, used in found
        ]
        return self._pages.shell.page(
            visit,
            "grants.html",
            status=status,
            rows=rows,
            is_all=is_all,
            is_cut=len(found) == MAX_PAGE,
            said=said,
            error=error,
        )

    async def revoke(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Let nothing run by a grant any more."""
        if form.is_kept:
            return await self._draw(visit, said=KEPT)
        grant = visit.request.match_info["id"][:MAX_ID_CHARS].replace("\0", "")
        try:
            await self._approvals.granting.revoke(grant, visit.actor)
        except UnavailableError:
            raise
        except CountersignError as error:
            return await self._draw(visit, error=str(error), status=status_of(error))
        return to(f"{PATH}?said=revoked")


def share_of(grant: Grant, used: Used) -> float:
    """How much of it is used, from 0 to 1, of the bound that is nearest."""
    counted = 0.0 if grant.uses is None else used.uses / grant.uses
    valued = 0.0 if not grant.total else float(used.total / grant.total)
    return min(max(counted, valued), 1.0)


def state_of(grant: Grant, used: Used, *, is_over: bool) -> str:
    """Why nothing runs by it; "" while it holds."""
    if grant.revoked_at is not None:
        return N_("revoked")
    if is_over:
        return N_("has ended")
    if is_used_up(grant, used):
        return N_("used up")
    return "" if grant.complete else N_("not complete yet")
