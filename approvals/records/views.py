"""What is shown of requests, with the people, tools and rules of now."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.together import on_same_terms, waiting
from countersign.approvals.models import (
    Domains,
    JsonObject,
    OnCall,
    Pause,
    Principal,
    Request,
    RequestKind,
    RequestStatus,
    Reversibility,
    Session,
    StageProgress,
    Vote,
)
from countersign.approvals.ports import Clock, Directory, RequestView, Schemas
from countersign.approvals.rules.approvers import duties_of
from countersign.approvals.rules.delegation import with_delegates
from countersign.approvals.rules.eligibility import asked, eligible
from countersign.approvals.rules.grants import Grants, offers
from countersign.approvals.rules.pausing import among, words_of
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.progress import steps
from countersign.approvals.rules.proposals import call_of
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.rules.visibility import beside, in_the_same
from countersign.approvals.store.view_rows import ViewRows


class Views:
    """Says of what was read what people, tools and rules make of it now."""

    def __init__(
        self,
        clock: Clock,
        directory: Directory,
        catalog: Schemas | None = None,
        policies: Policies | None = None,
    ):
        """As `Records`."""
        self._clock, self._directory = clock, directory
        self._catalog, self._policies = catalog, policies

    def shown(self, rows: ViewRows) -> RequestView:
        """The view of what was read, with the people and tools of now."""
        permitted = self._permitted(rows)
        siblings = beside(rows.request, rows.session, rows.siblings, self.domains)
        return RequestView(
            offers=() if permitted is None else offers(permitted),
            alike=() if permitted is None else permitted.same,
            request=rows.request,
            session=rows.session,
            votes=rows.votes,
            requester=self._directory.by_id(rows.request.requester),
            siblings=siblings,
            arguments_schema=self.schema(rows.session, rows.request.tool),
            eligible=self.eligible(rows.request, rows.votes, rows.session),
            steps=self.steps(rows.request, rows.votes, rows.session),
            openings=rows.openings,
            pauses=among(rows.pauses, rows.request, rows.session, self.domains),
            questions=rows.questions,
            on_call=self.on_call(rows.request),
            undos=rows.undos,
            undos_beside=rows.undos_beside,
            hindsights=rows.hindsights,
            reversibility=self._worst([rows.request, *siblings]),
        )

    def _worst(self, together: Sequence[Request]) -> Reversibility | None:
        """Of several calls that wait together."""
        calls = waiting(together)
        if self._policies is None or len(calls) < 2:
            return None
        classes = [self._policies.current.book.reversibility(each.tool) for each in calls]
        return max(classes, key=list(Reversibility).index)

    def in_one_message(self, view: RequestView, among: Sequence[Request]) -> tuple[Request, ...]:
        """The request, and those `among` others that one message can show with it, in order."""
        request, session = view.request, view.session
        if request.kind is not RequestKind.TOOL:
            return (request,)
        beside = [each for each in among if each.checkpoint_id == request.checkpoint_id]
        return on_same_terms(request, in_the_same(request, session, beside, self.domains))

    @property
    def domains(self) -> Domains:
        """What belongs to which domain, now."""
        return self._directory.people().domains

    def paused(self, pauses: Sequence[Pause], request: Request, session: Session) -> str | None:
        """Who paused a call that waits, since when and why; None if nobody has."""
        return words_of(pauses, request, session, self.domains)

    def person(self, principal_id: str) -> Principal | None:
        """The person as they are now."""
        return self._directory.by_id(principal_id)

    def _permitted(self, rows: ViewRows) -> Grants | None:
        """The grants that its rule permits while it waits."""
        request, policies = rows.request, self._policies
        if policies is None or request.status is not RequestStatus.PENDING:
            return None
        policy = policies.current
        if request.kind is not RequestKind.TOOL or not policy.permits_any:
            return None
        situation = situation_of(
            rows.session, self._directory.people(), request.created_at, request.seen
        )
        found = policy.permits(call_of(request, request.arguments), situation)
        return None if found is None else found.grants

    def eligible(
        self, request: Request, votes: Sequence[Vote], session: Session
    ) -> tuple[Principal, ...]:
        """Who may decide it now, after these votes, by id; () once it is decided or too late."""
        if request.status is not RequestStatus.PENDING:
            return ()
        if request.expires_at is not None and request.expires_at <= self._clock.now():
            return ()
        everybody = self._directory.people().at(self._clock.now())
        people = people_for(everybody, request, session)
        return with_delegates(eligible(asked(request, votes), people), request, votes, people)

    def steps(
        self, request: Request, votes: Sequence[Vote], session: Session
    ) -> tuple[StageProgress, ...]:
        """Its stages in order, with the votes on the current revision."""
        people = self._directory.people().at(self._clock.now())
        return steps(request, votes, people_for(people, request, session))

    def on_call(self, request: Request) -> tuple[OnCall, ...]:
        """Who is on call by the schedules that its open stages name, while it waits."""
        if request.status is not RequestStatus.PENDING or request.stage >= len(request.stages):
            return ()
        duties = duties_of(request.stages[number] for number in request.open_stages)
        return self._directory.people().at(self._clock.now()).duties(duties) if duties else ()

    def schema(self, session: Session, tool: str) -> JsonObject | None:
        """What the tool accepts; None where it is not known here."""
        return None if self._catalog is None else self._catalog.schema(session.workflow, tool)
