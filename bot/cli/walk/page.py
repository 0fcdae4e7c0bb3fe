"""What a terminal shows of a request: all that somebody has to know before they decide. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from countersign.approvals.forms.display import (
    Shown,
    set_by_workflow,
    shown_arguments,
    shown_facts,
)
from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.times import in_utc
from countersign.approvals.forms.values import table_text
from countersign.approvals.forms.wording import in_words, visible
from countersign.approvals.models import (
    AtDeadline,
    JsonObject,
    Preview,
    QuestionStatus,
    RequestKind,
    Verdict,
)
from countersign.approvals.rules.budgets.words import lines as budget_lines
from countersign.approvals.rules.repeats import in_sentence
from countersign.bot.api.questions import QuestionBody
from countersign.bot.api.request_bodies import RequestBody
from countersign.bot.api.request_parts import StepBody
from countersign.bot.cli.walk.terminal import BAD, HEAD, PLAIN, SOFT, WARN, Line, quoted

RULE = "─" * 60
_AT_DEADLINE = {
    AtDeadline.REJECT: "it does not run",
    AtDeadline.ESCALATE: "others are asked",
    AtDeadline.APPROVE: "it runs",
}
_VERDICTS = {
    Verdict.APPROVE: "approved",
    Verdict.REJECT: "rejected",
    Verdict.MODIFY: "changed and approved",
}
_OPEN = (QuestionStatus.OPEN, QuestionStatus.HANDED_OVER)


def page(request: RequestBody, url: str, place: str) -> Iterator[Line]:
    """Everything, the call itself first and what is asked last, next to where it is answered."""
    is_question = request.kind is RequestKind.INPUT
    what = "A question from the agents" if is_question else in_words(request.tool)
    yield PLAIN, ""
    yield SOFT, RULE
    yield HEAD, f"{what}  ({place}; risk: {request.risk})"
    by = f"agent {request.agent}, for {request.requester}, in {request.workflow}"
    yield SOFT, visible(f"{request.id}, asked by {by}, {in_utc(request.created_at)}")
    yield from _warnings(request)
    yield from _call(request, is_question=is_question)
    yield from _why(request, is_question=is_question)
    yield from _people(request.steps)
    yield from _elsewhere(request, url)
    for question in request.questions:
        yield from _question(question)
    yield from _time(request)


def arguments_of(request: RequestBody) -> Sequence[Shown]:
    """The arguments that would run, and what the workflow sets beside them."""
    shown = shown_arguments(
        request.arguments, request.arguments_schema, defaulted=request.defaulted
    )
    return (*shown, *set_by_workflow(request.injected))


def changes(before: JsonObject, after: JsonObject, schema: JsonObject | None) -> Iterator[Line]:
    """What was changed, argument by argument: `-` before, `+` after."""
    old = {each.name: each for each in shown_arguments(before, schema)}
    new = {each.name: each for each in shown_arguments(after, schema)}
    for name in {**new, **old}:
        label = (new.get(name) or old[name]).label
        was, now = (each[name].text if name in each else None for each in (old, new))
        if was == now:
            continue
        if was is not None:
            yield from _labelled(f"  - {label}", was, BAD)
        if now is not None:
            yield from _labelled(f"  + {label}", now, "bold green")


def _warnings(request: RequestBody) -> Iterator[Line]:
    same = [in_sentence(each) for each in request.same_calls]
    for warning in (request.paused or "", request.asked_again, *same):
        if warning:
            yield WARN, f"Take care: {visible(warning)}"


def _call(request: RequestBody, *, is_question: bool) -> Iterator[Line]:
    yield HEAD, "What the agents ask" if is_question else f"What exactly would run: {request.tool}"
    shown = arguments_of(request)
    for each in shown:
        yield from _labelled(f"  {each.label}", each.whole, PLAIN)
        yield from ((WARN, f"    ! {visible(note)}") for note in each.notes)
    if not shown:
        yield PLAIN, "  It takes no arguments."
    if request.rollout:
        yield PLAIN, f"  Rollout {visible(request.rollout)}"
    for line in budget_lines(request.budgets):
        yield PLAIN, f"  Budget {visible(line)}"
    if request.proposed_arguments is not None:
        names = [visible(each.by_name) for each in request.changed_by] or ["a person"]
        yield HEAD, f"What of the agent's proposal was changed by {', '.join(names)}"
        yield from changes(request.proposed_arguments, request.arguments, request.arguments_schema)
    if request.preview is not None:
        yield HEAD, "What the tool says would happen"
        yield from quoted(_preview(request.preview))
    if request.facts:
        yield HEAD, "As checked when it was asked"
        for each in shown_facts(request.facts):
            yield from _labelled(f"  {each.label}", each.whole, PLAIN)


def _preview(preview: Preview) -> str:
    return table_text(preview.rows) if preview.kind == "table" else preview.text


def _why(request: RequestBody, *, is_question: bool) -> Iterator[Line]:
    if not is_question:
        yield HEAD, "Why, in the agent's words"
        yield from quoted(request.rationale or "(no reason given)")
    yield HEAD, f"What {visible(request.requester)} asked the agents for"
    yield from quoted(request.task)


def _people(steps: Sequence[StepBody]) -> Iterator[Line]:
    yield HEAD, "Who decides"
    for step in steps:
        asked = ", ".join((*step.roles, *step.groups, *step.people))
        state = "you and others now" if step.is_open else "later" if step.missing else "done"
        of = f"{step.missing} of {step.quorum} still needed" if step.missing else "filled"
        yield PLAIN, visible(f"  {step.number}. {asked}: {of} ({state})")
        for verdict, people in (("approved", step.approved_by), ("rejected", step.rejected_by)):
            yield from ((PLAIN, visible(f"     {verdict} by {who.name}")) for who in people)
        if step.missing and step.could:
            others = step.could_count - len(step.could)
            more = f", and {others:,} more" if others > 0 else ""
            yield SOFT, visible("     could: " + ", ".join(who.name for who in step.could) + more)


def _elsewhere(request: RequestBody, url: str) -> Iterator[Line]:
    for vote in request.votes:
        if vote.comment:
            yield PLAIN, visible(f"  {vote.name} {_VERDICTS[vote.verdict]}, and wrote:")
            yield from quoted(vote.comment)
    for each in request.deliveries:
        named = f" {each.ticket}" if each.ticket else ""
        yield SOFT, visible(f"  Also shown in {system_words(each.channel)}{named} ({each.status})")
    yield SOFT, f"  On a page: {url}/inbox/requests/{request.id}"


def _question(question: QuestionBody) -> Iterator[Line]:
    yield HEAD, visible(f"{question.name} asked")
    yield from quoted(question.text)
    if question.status in _OPEN:
        yield SOFT, "  not answered yet"
    elif question.answer:
        yield PLAIN, visible(f"  {question.answerer_name or question.answerer} answered")
        yield from quoted(question.answer)
    else:
        yield SOFT, visible(f"  not answered: {question.why}")


def _time(request: RequestBody) -> Iterator[Line]:
    yield HEAD, "Until when"
    if request.expires_at is None:
        yield PLAIN, "  It waits until somebody decides."
    else:
        yield PLAIN, f"  {_moment(request.expires_at)}; then {_AT_DEADLINE[request.at_deadline]}."
    step = request.next_step
    if step is not None and step.kind == "escalate":
        yield PLAIN, visible(f"  From {_moment(step.at)} on {' or '.join(step.roles)} is asked.")
    yield SOFT, f"  Digest of what is shown: {request.digest}"


def _moment(at: datetime) -> str:
    here = at.astimezone()
    same = not here.utcoffset()
    return in_utc(at) if same else f"{in_utc(at)} ({here:%H:%M} here)"


def _labelled(label: str, value: str, style: str) -> Iterator[Line]:
    """A value below or beside its label; each further line is marked, so that none can pass for
    the next label."""
    first, *rest = value.split("\n")
    yield style, f"{label}: {first}"
    yield from ((style, f"      | {line}") for line in rest)
