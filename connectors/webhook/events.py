"""What programs are told of a request, by how it stands: events with ids that never change. Pure.

A request knows how it became what it is, so an event that could not be sent when it happened is
told later, before what came after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from pydantic import Field

from countersign.approvals.models import JsonObject, RequestStatus, Value
from countersign.approvals.ports import RequestView
from countersign.connectors.webhook.settings import EventKind, Part

NAMED = 100
"""How many of those who may decide are named: ten thousand would be a message of 200 kB."""

_NOT_DECIDED = (RequestStatus.PENDING,)
_RAN = (RequestStatus.EXECUTED, RequestStatus.FAILED)


class Event(Value):
    """One thing that has happened to a request."""

    kind: EventKind
    mark: str
    """Names it among those of its request: `decided.2`."""
    at: datetime | None = Field(default=None)
    """When it happened, where the request says so."""


def happened(view: RequestView) -> Iterator[Event]:
    """All that has happened to it, as far as its state tells, in order."""
    request = view.request
    yield Event(kind=EventKind.CREATED, mark="created", at=request.created_at)
    if request.revision > 1 or request.stage > 0:
        yield Event(kind=EventKind.UPDATED, mark=f"updated.{request.revision}.{request.stage}")
    if request.status in _NOT_DECIDED:
        return
    decision = request.decision
    verdict = request.status if decision is None else decision.verdict
    at = None if decision is None else decision.at
    yield Event(kind=EventKind.DECIDED, mark=f"decided.{request.revision}.{verdict}", at=at)
    if request.status is RequestStatus.IN_DOUBT or _was_in_doubt(view):
        yield Event(kind=EventKind.IN_DOUBT, mark=f"in_doubt.{request.revision}")
    if request.status in _RAN:
        yield Event(kind=EventKind.EXECUTED, mark=f"executed.{request.revision}")


def news(view: RequestView, told: Collection[str], wanted: Collection[EventKind]) -> list[Event]:
    """What has not been told yet, of the wanted kinds."""
    return [e for e in happened(view) if e.mark not in told and e.kind in wanted]


def event_id(view: RequestView, event: Event) -> str:
    """The id of the message: the same however often it is sent."""
    return f"evt_{view.request.id}_{event.mark}"


def body(
    view: RequestView, event: Event, include: Collection[Part], url: str, sequence: int
) -> JsonObject:
    """The JSON of one event, with the request as it stands now; of what people wrote and agents
    propose only what is let out. `sequence` counts what its endpoint is told of the request."""
    request = view.request
    decision = request.decision
    data: JsonObject = {
        "request": request.id,
        "session": request.session_id,
        "workflow": view.session.workflow,
        "kind": str(request.kind),
        "tool": request.tool,
        "agent": request.agent,
        "requester": request.requester,
        "risk": str(request.risk),
        "revision": request.revision,
        "digest": request.digest,
        "status": str(request.status),
        "expires_at": _text(request.expires_at),
        "stage": request.stage + 1,
        "stages": len(request.stages),
        "eligible": [person.id for person in view.eligible[:NAMED]],
        "eligible_count": len(view.eligible),
        "page": f"{url}/inbox/requests/{request.id}" if url else None,
        "changed_by": [each.by for each in request.changed_by],
        "decision": None,
        "outcome": None if request.result is None else str(request.result.outcome),
        **_let_out(view, include),
    }
    if decision is not None:
        data["decision"] = {
            "verdict": str(decision.verdict),
            "by": decision.by,
            "via": str(decision.via),
            "at": _text(decision.at),
        }
        if Part.COMMENTS in include:
            data["decision"]["comment"] = decision.comment
    return {
        "type": f"request.{event.kind}",
        "id": event_id(view, event),
        "timestamp": _text(event.at),
        "sequence": sequence,
        "data": data,
    }


def _let_out(view: RequestView, include: Collection[Part]) -> JsonObject:
    request = view.request
    found: JsonObject = {}
    if Part.ARGUMENTS in include:
        found["arguments"] = request.arguments
        found["arguments_schema"] = view.arguments_schema
    if Part.RATIONALE in include:
        found["rationale"] = request.rationale
    if Part.TASK in include:
        found["task"] = view.session.task
    if Part.RESULT in include:
        result = request.result
        found["result"] = None if result is None else result.content or result.message
    return found


def marks(events: Sequence[Event]) -> list[str]:
    """Of these events, as they are kept."""
    return [event.mark for event in events]


def _was_in_doubt(view: RequestView) -> bool:
    result = view.request.result
    return result is not None and result.finding is not None


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
