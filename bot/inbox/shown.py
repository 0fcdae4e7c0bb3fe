"""What the page of a request shows, as values that its template draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from countersign.approvals.forms.changers import changers
from countersign.approvals.forms.display import (
    Shown,
    deciding,
    label_of,
    set_by_workflow,
    shown_arguments,
    shown_facts,
)
from countersign.approvals.forms.fields import Field, fields
from countersign.approvals.forms.parsing import typed_text
from countersign.approvals.forms.rollouts import is_copilot, standing_words
from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.times import coming, happened, then
from countersign.approvals.forms.wording import cut
from countersign.approvals.models import (
    Delivery,
    JsonObject,
    Request,
    RequestStatus,
    Risk,
    StageProgress,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.budgets.words import lines
from countersign.approvals.rules.repeats import in_sentence

LONG_TEXT = 60
"""Characters from which a text is edited in several lines."""
QUICK_ARGUMENTS = 8
"""More are read on the page of the request."""


@dataclass(frozen=True)
class Change:
    """One argument before and after an edit."""

    label: str
    before: str
    after: str

    @property
    def is_changed(self) -> bool:
        """Whether it is another one."""
        return self.before != self.after


@dataclass(frozen=True)
class Input:
    """One field of the edit form."""

    field: Field
    label: str
    value: str
    problem: str

    @property
    def name(self) -> str:
        """Of the field in the form."""
        return f"arg.{self.field.name}"

    @property
    def choices(self) -> Sequence[str]:
        """What can be chosen."""
        return [typed_text(choice) for choice in self.field.choices]

    @property
    def is_long(self) -> bool:
        """Whether it takes several lines."""
        return self.field.kind == "json" or "\n" in self.value or len(self.value) > LONG_TEXT


@dataclass(frozen=True)
class Place:
    """Where the request is shown as well."""

    words: str
    status: str
    ticket: str
    url: str
    error: str


@dataclass(frozen=True)
class Card:
    """A request in a list."""

    request: Request
    summary: Sequence[Shown]
    requester: str
    steps: str
    quick: Sequence[Shown] = ()
    """All arguments, where it may be approved from the list."""


def arguments_of(view: RequestView) -> Sequence[Shown]:
    """The arguments that would run, labelled, and what the workflow sets."""
    request = view.request
    shown = shown_arguments(
        request.arguments,
        view.arguments_schema,
        first=request.show_first,
        defaulted=request.defaulted,
    )
    return (*shown, *set_by_workflow(request.injected))


def undo_of(view: RequestView) -> Sequence[Shown]:
    """What the call that would take it back is made with."""
    offer = view.request.undo
    return () if offer is None else shown_arguments(offer.arguments)


def changes_of(view: RequestView) -> Sequence[Change]:
    """What a person has changed; () if nobody has."""
    request = view.request
    if request.proposed_arguments is None:
        return ()
    schema = view.arguments_schema
    before = {each.name: each for each in shown_arguments(request.proposed_arguments, schema)}
    after = {each.name: each for each in shown_arguments(request.arguments, schema)}
    found = []
    for name in {**after, **before}:
        known = after.get(name) or before[name]
        old = before[name].text if name in before else ""
        new = after[name].text if name in after else ""
        found.append(Change(known.label, old, new))
    return [change for change in found if change.is_changed]


def changers_of(view: RequestView) -> str:
    """Who has changed it; "" if nobody has, or nobody knows who."""
    return changers(view.request)


def beside(other: Request) -> str:
    """The argument that tells a call from others of its tool: the first that decides, in short."""
    names = other.show_first or tuple(other.arguments)
    own = shown_arguments(other.arguments, first=names[:1])
    return f"{own[0].label}: {cut(' '.join(own[0].text.split()), LONG_TEXT)}" if own else ""


def facts_of(view: RequestView) -> Sequence[Shown]:
    """What the tool's check has found."""
    return shown_facts(view.request.facts)


def warnings_of(view: RequestView) -> Sequence[str]:
    """What to know before deciding."""
    request = view.request
    asked_again = [request.asked_again] if request.asked_again else []
    same = [in_sentence(each) for each in request.same_calls]
    return [*(pause.words for pause in view.held), *asked_again, *same]


def budgets_of(view: RequestView) -> Sequence[str]:
    """Where the budgets stand."""
    return lines(view.request.budgets)


def rollout_of(view: RequestView) -> str:
    """Where its rule stands, from what people do to what runs alone; "" where it has no phases."""
    return standing_words(view.request)


def time_of(request: Request) -> Sequence[str]:
    """What comes, and what has come, of its time."""
    until = ""
    if request.expires_at is not None and request.status is RequestStatus.PENDING:
        until = f"If nobody decides by then, {then(request)}."
    return [line for line in (happened(request), until, coming(request)) if line]


def inputs_of(
    view: RequestView, typed: Mapping[str, str], problems: Mapping[str, str]
) -> Sequence[Input]:
    """The edit form, with what was typed into it before."""
    request = view.request
    found = []
    for field in fields(view.arguments_schema, request.arguments):
        value = typed_text(request.arguments.get(field.name))
        shown = typed.get(f"arg.{field.name}", value)
        found.append(Input(field, label_of(field), shown, problems.get(field.name, "")))
    return found


def typed_arguments(typed: Mapping[str, str]) -> Mapping[str, str]:
    """The texts of the edit form by argument."""
    return {
        name.removeprefix("arg."): text for name, text in typed.items() if name.startswith("arg.")
    }


def places_of(deliveries: Sequence[Delivery]) -> Sequence[Place]:
    """Where else people see it. Of a card the reference says where it can be reached, which is
    nobody's business."""
    found = []
    for each in deliveries:
        reference = (each.reference or {}) if each.ticket_id else {}
        url = str(reference.get("url") or "")
        found.append(
            Place(
                words=system_words(each.channel),
                status=str(each.status),
                ticket=str(reference.get("key") or ""),
                url=url if url.startswith(("https://", "http://")) else "",
                error=each.error or "",
            )
        )
    return found


def card_of(
    request: Request, schema: JsonObject | None, steps: Sequence[StageProgress], requester: str
) -> Card:
    """The request as one entry of a list."""
    shown = shown_arguments(request.arguments, schema, first=request.show_first)
    given = sum(len(step.votes) for step in steps)
    needed = given + sum(step.missing for step in steps)
    return Card(
        request=request,
        summary=deciding(request.arguments, shown, request.show_first),
        requester=requester,
        steps=f"{given}/{needed}" if needed > 1 else "",
        quick=shown if _is_quick(request, shown) else (),
    )


def _is_quick(request: Request, shown: Sequence[Shown]) -> bool:
    """Whether one click is enough: of low risk, at co-pilot, and all there is to see fits."""
    more = request.preview or request.facts or request.injected or request.asked_again
    fits = len(shown) <= QUICK_ARGUMENTS and not any(
        each.notes or len(each.text) > LONG_TEXT for each in shown
    )
    return request.risk is Risk.LOW and is_copilot(request) and not more and fits


def is_soon(at: datetime | None, now: datetime) -> str:
    """The class of a deadline: `late` within 15 minutes, `soon` within 2 hours."""
    if at is None:
        return ""
    left_s = (at - now).total_seconds()
    return "late" if left_s < 900 else "soon" if left_s < 7200 else ""
