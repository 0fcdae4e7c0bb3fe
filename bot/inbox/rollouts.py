"""Rollout: the ladder of each rule that comes by phases, and what speaks for its next phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from countersign.approvals.errors import CountersignError, InvalidError, UnavailableError
from countersign.approvals.forms.rollouts import PHASES, progress_words
from countersign.approvals.models import Phase
from countersign.approvals.rules.rollout.evidence import Evidence, evidence_words
from countersign.bot.api.operation import MAX_ID_CHARS, Services
from countersign.bot.http.problems import status_of
from countersign.bot.inbox.pages import Form, Pages
from countersign.bot.inbox.requests import KEPT
from countersign.bot.inbox.shell import HOME, Visit, to
from countersign.bot.inbox.words import N_
from countersign.connectors.system import Route

PATH = f"{HOME}/rules/rollout"
SAID = {"moved": N_("It stands at another phase now.")}
SHADOWS = 50
PHASE_NAMES = {
    Phase.SHADOW: N_("shadow"),
    Phase.COPILOT: N_("co-pilot"),
    Phase.SAMPLED: N_("sampled"),
    Phase.AUTONOMOUS: N_("autonomous"),
}


@dataclass(frozen=True)
class Row:
    """One rule for one tool."""

    known: Evidence
    ladder: Sequence[tuple[Phase, bool]]
    """Its phases; whether it stands there."""
    words: str
    progress: str
    accepted_by: Sequence[str]
    may_move: bool
    earlier: Sequence[Phase]

    @property
    def promotion(self) -> Phase | None:
        """What is proposed."""
        return None if self.known.missing else self.known.next


class RolloutPage:
    """Shows and moves."""

    def __init__(self, pages: Pages, services: Services):
        self._pages, self._records = pages, services.records
        self._rollouts = services.approvals.rollouts

    def routes(self) -> Sequence[Route]:
        """Their addresses."""
        return [
            Route("GET", PATH, self._pages.look(self.show)),
            Route("POST", f"{PATH}/moves", self._pages.act(self.move)),
        ]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """All of them."""
        return await self._draw(visit, said=SAID.get(visit.request.query.get("said", ""), ""))

    async def _draw(
        self,
        visit: Visit,
        *,
        said: str = "",
        error: str = "",
        form: Form | None = None,
        status: int = HTTPStatus.OK,
    ) -> web.StreamResponse:
        found = await self._rollouts.all(visit.reader)
        rows = [self._row(each, visit.reader.roles) for each in found]
        return self._pages.shell.page(
            visit,
            "rollout.html",
            status=status,
            rows=rows,
            shadows=await self._rollouts.to_do_by_hand(visit.reader, limit=SHADOWS),
            phases=PHASE_NAMES,
            typed={} if form is None else form.fields,
            said=said,
            error=error,
        )

    def _row(self, known: Evidence, roles: frozenset[str]) -> Row:
        accepted_by = self._rollouts.accepted_by(known.rule)
        phases = self._rollouts.phases(known.rule)
        at = phases.index(known.phase) if known.phase in phases else 0
        return Row(
            known=known,
            ladder=[(each, each is known.phase) for each in phases],
            words=evidence_words(known),
            progress=progress_words(known.compared, known.needed, known.next),
            accepted_by=accepted_by,
            may_move=not roles.isdisjoint(accepted_by),
            earlier=phases[:at],
        )

    async def move(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Accept a promotion or a demotion."""
        if form.is_kept:
            return await self._draw(visit, said=KEPT, form=form)
        phase = form.text("phase")
        try:
            if phase not in PHASES:
                raise InvalidError("Choose the phase.")
            await self._rollouts.move(
                form.text("rule")[:MAX_ID_CHARS],
                form.text("tool")[:MAX_ID_CHARS],
                Phase(phase),
                visit.actor,
                evidence=form.text("evidence"),
                reason=form.text("reason"),
            )
        except UnavailableError:
            raise
        except CountersignError as error:
            return await self._draw(visit, error=str(error), form=form, status=status_of(error))
        return to(f"{PATH}?said=moved")
