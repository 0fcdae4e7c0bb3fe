"""Editing: what a person's changes to a call would mean, before they count."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from countersign.approvals.decisions.budgeting import Budgeting
from countersign.approvals.decisions.edits import LOOK_AGAIN, revised
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.vote_input import VoteInput, is_edit
from countersign.approvals.errors import (
    AlreadyDecidedError,
    InvalidError,
    NotAuthorisedError,
    StaleDigestError,
)
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import (
    Actor,
    ChangedBy,
    Checked,
    JsonObject,
    People,
    Principal,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Session,
    StageProgress,
    Verdict,
    Via,
)
from countersign.approvals.ports import Moment, Store, ToolCatalog
from countersign.approvals.rules.authority import reason_against
from countersign.approvals.rules.deciding import left_to_others, others_as_well
from countersign.approvals.rules.delegation import standing
from countersign.approvals.rules.eligibility import asked, eligible
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.progress import steps
from countersign.approvals.rules.segregation import Tie, tie_of
from countersign.approvals.rules.shortfall import against_approval, shortfall
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store import votes as vote_rows

KEPT_OUT = "{who} changed the arguments, and above the limit of its rule who does decides nothing."
FROM_THE_START = "{who} changed the arguments, so it is asked from its first step on."


@dataclass(frozen=True)
class Edit:
    """An edit that somebody makes of a request."""

    after: Request
    """The request as it would be, asked anew."""
    others: str = ""
    """Who has to decide it as well then, as a sentence; "" if nobody has to."""
    steps: tuple[StageProgress, ...] = ()
    """Who decides then."""
    giver: Principal | None = None
    """For whom they decide it then, if not for themselves."""
    held: bool = False
    """Whether it counts as no approval yet: whoever made it has not seen what it means, is asked
    at a later step, or is kept out for having made it."""
    against: str | None = None
    """Why this person may not make it."""


def edited(
    connection: Connection,
    given: VoteInput,
    request: Request,
    session: Session,
    person: Principal,
    via: Via,
    policies: Policies,
    budgeting: Budgeting,
    moment: Moment,
) -> Edit:
    """What an edit means today. Raises InvalidError; DeniedByPolicyError."""
    people = people_for(moment.people, request, session)
    situation = situation_of(session, people, request.created_at, request.seen)
    arguments = request.arguments if given.effective is None else given.effective.arguments
    seen = budgeting.see(connection, request, arguments, situation, moment.now)
    here = situation.model_copy(update=seen or {})
    _, lender = standing(people, person, request, [])
    editors = [person.id] if lender is None else [person.id, lender.id]
    by_name = person.name if lender is None else f"{person.name} for {lender.name}"
    by = ChangedBy(by=person.id, by_name=by_name, via=via, at=moment.now)
    after = revised(
        given,
        request,
        policies.current,
        situation,
        moment.now,
        lambda changed: budgeting.ruling_on(connection, changed, here, moment.now),
        editors,
        by,
    ).model_copy(update={"seen": seen})
    others = others_as_well(request, after)
    against, giver = standing(people, person, after, [])
    out = tie_of(person, after.stages) is Tie.EDITOR
    if out:
        others = f"{others} {left_to_others(request, after, eligible(asked(after, []), people))}"
        others = others.strip()
    later = against is not None and not out and _is_asked_later(person, after)
    if later or out:
        short = shortfall(asked(after, []), people)
        against = None if short is None else short.text
    elif against is None:
        against = against_approval(asked(after, []), giver or person, people, revised=True)
    if against is not None:
        return Edit(after, others, against=against)
    unseen = bool(others) and given.foreseen not in (None, after.digest)
    checked = after.checked != request.checked
    if not (later or out or unseen or checked):
        return Edit(after, others, giver=giver)
    said = [LOOK_AGAIN] if checked else []
    said += [FROM_THE_START.format(who=visible(person.name))] if later else []
    said += [KEPT_OUT.format(who=visible(person.name))] if out else []
    said += [others_as_well(request, after)]
    after = after.model_copy(update={"asked_again": " ".join(filter(None, said))})
    return Edit(after, others, held=True)


def _is_asked_later(person: Principal, after: Request) -> bool:
    steps = range(after.stage + 1, len(after.stages))
    at = (after.model_copy(update={"stage": number}) for number in steps)
    return any(reason_against(person, each, []) is None for each in at)


def as_of_now(actor: Actor, people: People) -> Actor:
    """The actor with the roles of now for this call: the channel has looked them up before."""
    known = actor.principal
    if known is None or not (people.revisions or people.rota.schedules or known.scopes):
        return actor
    return actor.model_copy(update={"principal": people.by_id(known.id)})


class Editing:
    """Reads, and runs code of the workflow's; writes nothing."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        policies: Policies,
        budgeting: Budgeting,
        catalog: ToolCatalog,
    ):
        self._store, self._moments = store, moments
        self._policies, self._budgeting, self._catalog = policies, budgeting, catalog

    async def foresee(
        self, request_id: RequestId, actor: Actor, *, digest: str, arguments: JsonObject
    ) -> Edit:
        """What would become of it; see `Approvals.foresee`."""
        given = VoteInput(
            request_id=request_id, verdict=Verdict.MODIFY, digest=digest, arguments=arguments
        )
        given = await self.with_effective(given, arguments)
        moment = self._moments.now()
        return await self._store.read(lambda c: self._foreseen(c, given, actor, moment))

    def _foreseen(
        self, connection: Connection, given: VoteInput, actor: Actor, moment: Moment
    ) -> Edit:
        request, session = _read(connection, given.request_id)
        if request.status is not RequestStatus.PENDING:
            raise AlreadyDecidedError(request.id, request.status, request.decision)
        if request.kind is RequestKind.INPUT:
            raise InvalidError("A question has no arguments to change; answer it instead.")
        people = people_for(moment.people, request, session)
        person = as_of_now(actor, people).principal
        votes = vote_rows.of_request(connection, request.id)
        against, _ = standing(people, person, request, votes)
        if against is not None or person is None:
            raise NotAuthorisedError(against or "You are not known here.")
        if given.digest != request.digest:
            raise StaleDigestError(
                f"Request {request.id} is at revision {request.revision} with another digest now."
            )
        if not is_edit(given, request):
            return Edit(request)
        around = (actor.via, self._policies, self._budgeting, moment)
        edit = edited(connection, given, request, session, person, *around)
        if edit.against is not None:
            raise NotAuthorisedError(f"With these arguments you may not decide it: {edit.against}")
        return replace(edit, steps=steps(edit.after, (), people))

    async def with_effective(self, given: VoteInput, arguments: JsonObject) -> VoteInput:
        """What the tool would receive, and what its check finds then; asked outside of a
        transaction, for it runs validators and checks of the workflow's."""
        request, session = await self._store.read(lambda c: _read(c, given.request_id))
        if request.status is not RequestStatus.PENDING or request.kind is RequestKind.INPUT:
            return given  # it is refused for that
        workflow, tool = session.workflow, request.tool
        effective = await self._catalog.effective(workflow, tool, arguments)
        if effective is None:
            return given
        checked = await self._catalog.checked(workflow, tool, effective.arguments)
        return given.model_copy(update={"effective": effective, "checked": checked or Checked()})


def _read(connection: Connection, request_id: str) -> tuple[Request, Session]:
    request = request_rows.get(connection, request_id)
    return request, session_rows.get(connection, request.session_id)
