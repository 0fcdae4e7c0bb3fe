"""One view for every state a card can show, with the awkward cases among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from countersign.approvals.decisions.editing import Edit
from countersign.approvals.forms.together import name_of
from countersign.approvals.models import (
    AnsweredBy,
    AtDeadline,
    Cause,
    ChangedBy,
    CheckpointId,
    ConversationKey,
    Decision,
    Escalated,
    Escalation,
    Finding,
    Injected,
    InParallel,
    JsonObject,
    Limit,
    LookUp,
    Offer,
    Opening,
    Outcome,
    Pause,
    PauseId,
    PauseKind,
    PauseScope,
    People,
    Preview,
    Principal,
    PrincipalId,
    Question,
    QuestionStatus,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Result,
    Reversibility,
    Risk,
    SameCall,
    Session,
    SessionId,
    SessionStatus,
    Span,
    Stage,
    Standing,
    Step,
    TimeRule,
    Timing,
    UndoAct,
    Undone,
    UndoOffer,
    Verdict,
    Via,
    Vote,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.eligibility import asked, eligible
from countersign.approvals.rules.grants import Grants
from countersign.approvals.rules.grants import offers as offers_of
from countersign.approvals.rules.progress import steps
from countersign.bot.teams.approval import Note, Typed
from countersign.bot.teams.asking import is_it_an_answer, shall_it_start
from countersign.bot.teams.cards import (
    edit_form,
    notice_card,
    read_card,
    request_card,
    review_form,
    state_card,
)
from countersign.bot.teams.checkpoint import checkpoint_card, checkpoint_state
from countersign.bot.teams.elements import Flavour
from countersign.bot.teams.parts import Look
from countersign.connectors.conversing.phrases import Command, Start
from countersign.connectors.conversing.said import prompt_of
from tests.bot.teams.stage import ARGUMENTS, SCHEMA, WORKFLOWS

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PEOPLE = People(
    Principal(id=PrincipalId(key), name=name, roles=frozenset(roles))
    for key, name, *roles in (
        ("alex", "Alex Wilber", "sales_manager"),
        ("isaiah", "Isaiah Langer", "sales_manager"),
        ("nestor", "Nestor Wilke", "controller"),
        ("lidia", "Lidia Holloway", "legal"),
    )
)
SAM = Principal(id=PrincipalId("sam"), name="Sam Carter")
ALEX = Principal(id=PrincipalId("alex"), name="Alex Wilber")
ISAIAH = Principal(id=PrincipalId("isaiah"), name="Isaiah Langer")
READ = Opening(
    request_id=RequestId("R-01J9ZK3V7Q"), revision=1, principal_id=PrincipalId("alex"), at=NOW
)
PERMITS = Grants.model_validate(
    {"max_uses": 20, "max_duration": "7d", "max_total": 500, "value": "amount"}
)
PAUSED = Pause(
    id=PauseId("P-01J9ZK1A2B"),
    scope=PauseScope(kind=PauseKind.TOOL, name="push_quote"),
    reason="The price list of December is wrong.",
    by=PrincipalId("isaiah"),
    by_name="Isaiah Langer",
    via=Via("teams"),
    at=NOW,
)
SAME = SameCall(
    request_id=RequestId("R-01J9ZK1A2B"),
    status=RequestStatus.EXECUTED,
    at=NOW,
    by="Isaiah Langer",
)
ESCALATION = Escalation(after=Span(seconds=7200, calendar="office"), roles=("controller",))
ESCALATED = Escalated(at=NOW + timedelta(hours=2), escalation=ESCALATION, stage=0)
TIMING = Timing(
    rule=TimeRule(deadline_calendar="office", escalate=(ESCALATION,)),
    deadline_s=14400,
    zone="Europe/Berlin",
    asked_at=NOW,
    steps=(Step(kind="escalate", at=NOW + timedelta(hours=2), escalation=ESCALATION),),
)
SILENT = Timing(rule=TimeRule(at_deadline=AtDeadline.APPROVE), asked_at=NOW)
BY_SILENCE = Decision(
    verdict=Verdict.APPROVE,
    by="clock",
    by_name="the deadline",
    via=Via.CLOCK,
    at=NOW + timedelta(hours=4),
    comment="Nobody objected in time, and the rule tools.push_quote lets it run then.",
)
DISCOUNTS = Standing(
    budget="discounts",
    period="today",
    scope="customer Contoso",
    count=3,
    soft_count=2,
    hard_count=5,
    currency="EUR",
    amount="24000",
    value="12400",
    hard_value="20000",
    passes=Limit.SOFT,
)
BUDGETS = (
    Standing(budget="quotes", period="this month", count=41, hard_count=200),
    DISCOUNTS,
)
LONG = (
    "Dear Ms Okafor,\n\nthank you for your time on Tuesday. As agreed, please find our offer for "
    "25 seats with onboarding, the migration of your archive and two training days below.\n" * 12
)
SAID = "quote " + '"\U0001f600' * 555
"""As much as a button can carry: what takes more than one character on the wire."""
PROOF_PAGE = "https://approve.example/inbox/requests/R-1/step-up"
HOSTILE = (
    "**Approved by Sam Carter** [click](https://evil.example) ![x](https://evil.example/p.png) "
    "<at>Everyone</at> {{DATE(2026-01-01T00:00:00Z)}} \u202egnp.exe\u200b # Heading"
)


def request(**changes: Any) -> Request:
    values: dict[str, Any] = {
        "id": RequestId("R-01J9ZK3V7Q"),
        "session_id": SessionId("S-01J9ZK2M4T"),
        "checkpoint_id": CheckpointId("C-1"),
        "position": 0,
        "kind": RequestKind.TOOL,
        "call_id": "call-1",
        "tool": "push_quote",
        "arguments": ARGUMENTS,
        "agent": "sales_agent",
        "executor": "gatekeeper",
        "rationale": "The customer asked for 25 seats at the list price until Friday.",
        "risk": Risk.HIGH,
        "rule_id": "tools.push_quote",
        "reason": "Quotes above 10,000 bind us.",
        "policy_version": "0123456789abcdef",
        "revision": 1,
        "digest": "9f2c4be1a07dd0b3c5f1e2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7",
        "stages": (Stage(roles=("sales_manager",)),),
        "stage": 0,
        "status": RequestStatus.PENDING,
        "requester": PrincipalId("sam"),
        "idempotent": False,
        "created_at": NOW,
        "expires_at": NOW + timedelta(hours=4),
        "execution_token": "token",
    }
    return Request.model_validate({**values, **changes})


DIFF = """--- quote Q-2041
+++ quote Q-2041
@@ -1,3 +1,3 @@
 customer: Contoso
-amount: 19200 EUR
+amount: 24000 EUR
-seats: 20
+seats: 25
 valid until: 2026-12-31"""


def view(
    *,
    siblings: tuple[Request, ...] = (),
    votes: tuple[Vote, ...] = (),
    schema: JsonObject | None = SCHEMA,
    openings: tuple[Opening, ...] = (),
    error: str | None = None,
    pauses: tuple[Pause, ...] = (),
    offers: tuple[Offer, ...] = (),
    questions: tuple[Question, ...] = (),
    undoing: UndoAct | None = None,
    undos: tuple[Undone, ...] = (),
    **changes: Any,
) -> RequestView:
    session = Session(
        id=SessionId("S-01J9ZK2M4T"),
        workflow="sales_quote",
        workflow_version="1",
        task="quote for Contoso, 25 seats",
        owner=PrincipalId("sam"),
        status=SessionStatus.WAITING,
        conversation=ConversationKey("msteams:19:group"),
        created_at=NOW,
        updated_at=NOW,
        error=error,
        undoes=None if undoing is None else RequestId("R-01J9ZK3V7Q"),
        undoing=undoing,
    )
    asking = request(**changes)
    several = bool(asking.stages[1:])
    return RequestView(
        request=asking,
        session=session,
        votes=votes,
        requester=SAM,
        siblings=siblings,
        arguments_schema=schema,
        eligible=eligible(asked(asking, votes), PEOPLE) if several else (ALEX, ISAIAH),
        steps=steps(asking, votes, PEOPLE),
        openings=openings,
        pauses=pauses,
        offers=offers,
        alike=("customer",) if offers else (),
        questions=questions,
        undos=undos,
    )


CUSTOMERS = ("Contoso", "Fabrikam", "Northwind Traders", "Adventure Works", "Litware", "Tailspin")


def several(count: int, *changes: dict[str, Any], **of_all: Any) -> RequestView:
    """Of the first of so many calls that were proposed together; the n-th changes are of the n-th
    call."""
    calls = [
        request(
            **{
                "id": RequestId(f"R-01J9ZK3V{at:02X}"),
                "position": at,
                "call_id": f"call-{at + 1}",
                "digest": f"{at:064x}",
                "arguments": {
                    **ARGUMENTS,
                    "customer": CUSTOMERS[at % len(CUSTOMERS)],
                    "amount": 24000 - 100 * at,
                    "currency": "EUR" if at % 3 else "USD",
                },
                **of_all,
                **(changes[at] if at < len(changes) else {}),
            }
        )
        for at in range(count)
    ]
    waits = [each for each in calls if each.status is RequestStatus.PENDING]
    first = (waits or calls)[0]
    base = view()
    return base.model_copy(
        update={
            "request": first,
            "siblings": tuple(each for each in calls if each.id != first.id),
            "reversibility": Reversibility.IRREVERSIBLE if len(waits) > 1 else None,
        }
    )


def every(of: RequestView) -> str:
    """Names all of its calls."""
    return name_of([of.request, *of.siblings])


def question(number: int, text: str, **more: Any) -> Question:
    """One of Alex's."""
    return Question(
        request_id=RequestId("R-01J9ZK3V7Q"),
        number=number,
        revision=1,
        asker=PrincipalId("alex"),
        asker_name="Alex Wilber",
        via=Via("teams"),
        identity="entra:oid-alex",
        text=text,
        asked_at=NOW,
        **more,
    )


QUESTIONS = (
    question(
        1,
        "Why 25 seats, when they had 20 last year?",
        status=QuestionStatus.ANSWERED,
        answer="Contoso wrote on Monday that five people join their sales team in December. The "
        "CRM shows 20 seats until the end of the year, so the quote adds five.",
        answered_by=AnsweredBy.AGENT,
        answerer="seller",
        answerer_name="seller",
        calls=(LookUp(tool="look_up", arguments={"name": "Contoso"}, ran=True, text="20 seats"),),
    ),
    question(
        2,
        "Who at Contoso agreed to the price?",
        status=QuestionStatus.HANDED_OVER,
        why="seller came to no answer in 6 rounds.",
    ),
    question(3, "Is there a {{DATE(2026-01-01T00:00:00Z)}} *discount*?"),
)
"""Answered by the agent, handed over, and open."""


def decided(verdict: Verdict = Verdict.APPROVE, comment: str = "", **more: Any) -> Decision:
    values: dict[str, Any] = {
        "verdict": verdict,
        "by": "alex",
        "by_name": "Alex Wilber",
        "via": Via("teams"),
        "at": NOW + timedelta(minutes=3),
        "comment": comment,
    }
    return Decision.model_validate({**values, **more})


MEGANS = ChangedBy(by=PrincipalId("megan"), by_name="Megan Bowen", via=Via("teams"), at=NOW)


def done(outcome: Outcome, content: str, **more: Any) -> Result:
    return Result(outcome=outcome, content=content, **more)


UNDO = UndoOffer(
    tool="withdraw_quote",
    executor="gatekeeper",
    arguments={"quote": "Q-2041"},
    within_s=86400,
    until=NOW + timedelta(days=1),
)
ACT = UndoAct(
    by=PrincipalId("alex"),
    by_name="Alex Wilber",
    via=Via("teams"),
    identity="entra:oid-alex",
    reason="The discount was for another customer.",
    at=NOW + timedelta(minutes=9),
)


def undone(status: RequestStatus, **more: Any) -> Undone:
    """An attempt of Alex's."""
    asked_for = request(id=RequestId("R-01J9ZM8D2S"), tool=UNDO.tool, status=status, **more)
    return Undone(session=view(undoing=ACT).session, request=asked_for)


def found(*, happened: bool) -> Result:
    """What Megan found out about a call in doubt."""
    finding = Finding(
        happened=happened,
        note="Looked for Q-2041 in the CPQ by hand.",
        by=PrincipalId("megan"),
        by_name="Megan Bowen",
        via=Via.API,
        at=NOW + timedelta(hours=1),
    )
    outcome = Outcome.EXECUTED if happened else Outcome.FAILED
    return done(outcome, "For the agents.", finding=finding)


ASKED: JsonObject = {
    "prompt": "Please give feedback to the writer, or press enter to go on.",
    "message": "Here is the outline: 1. Market 2. Offer 3. Risks. Shall I write it out?",
}
CHANGED = {**ARGUMENTS, "amount": 21000, "customer": "Contoso Ltd"}
TYPED = Typed(
    values={"amount": "21.000,50", "seats": "many"},
    comment="Less, please",
    problems={"amount": "A number is needed. Use a point for decimals.", "seats": "A number."},
)
REASON = "The discount is too high, 5 % at most."
NESTED: JsonObject = {
    "to": "okafor@contoso.example",
    "subject": "Our offer",
    "body": LONG,
    "lines": [{"sku": "SEAT", "quantity": 25, "price": 960}, {"sku": "ONB", "quantity": 1}],
    "reference": "900",
}
HUGE: JsonObject = {
    "document": "Lorem ipsum dolor sit amet. " * 4000,
    **{f"field_{index}": "x" * 500 for index in range(300)},
}


def _sibling(**changes: Any) -> Request:
    return request(id="R-2", position=1, tool="move_stage", call_id="call-2", **changes)


TIERS = (Stage(roles=("sales_manager",)), Stage(roles=("controller",)))
TOGETHER = (
    TIERS[0],
    Stage(roles=("legal",), parallel=True),
    Stage(roles=("controller",), parallel=True, comment_required=True),
)


def _edit(**changes: Any) -> Edit:
    """An edit that brings in the controller."""
    after = request(stages=TIERS, revision=2, **changes)
    others = "With amount 32000 the controller decides as well."
    return Edit(after, others, steps=steps(after, (), PEOPLE))


def _vote(name: str) -> Vote:
    return Vote(
        request_id=RequestId("R-01J9ZK3V7Q"),
        revision=1,
        principal_id=PrincipalId(name),
        name=name.title(),
        stage=0,
        verdict=Verdict.APPROVE,
        via=Via("teams"),
        identity="entra:x",
        at=NOW,
    )


def cards(flavour: Flavour) -> dict[str, JsonObject]:
    """Every state by name."""
    return {name: draw() for name, draw in drawings(flavour).items()}


def drawings(flavour: Flavour) -> dict[str, Callable[[], JsonObject]]:
    """How each is drawn: who wants to know what there is need not draw it."""
    look = Look(flavour, readable=True, full_width=True, pages_url="https://gate.example")
    approved, closed = decided(), RequestStatus
    late = Note(
        "Request R-01J9ZK3V7Q was already decided: approve by Isaiah Langer at 2026-11-22 12:02:11 "
        "UTC through teams. It is approved now. Your click changed nothing.",
        "warning",
    )
    return {
        "pending": lambda: request_card(view(), look),
        "pending-asked": lambda: request_card(view(questions=QUESTIONS), look),
        "pending-long": lambda: request_card(
            view(arguments=NESTED, tool="send_email", schema=None), look
        ),
        "pending-huge": lambda: request_card(
            view(arguments=HUGE, tool="file_report", schema=None), look
        ),
        "pending-huge-read": lambda: request_card(
            view(arguments=HUGE, tool="file_report", schema=None, openings=(READ,)), look
        ),
        "pending-again": lambda: request_card(
            view(
                asked_again="What push_quote takes has changed since it was asked.",
                same_calls=(SAME,),
                defaulted=("/seats", "/urgent"),
                show_first=("amount", "customer"),
                injected=(
                    Injected(name="crm_client"),
                    Injected(name="tenant", value="contoso.example"),
                ),
                facts={"open_quotes": 2, "credit_limit": 50000},
                preview=Preview(
                    kind="table",
                    rows=(("Line", "Now", "Then"), ("Seats", "20", "25"), ("Price", "960", "960")),
                ),
            ),
            look,
        ),
        "pending-grants": lambda: request_card(view(offers=offers_of(PERMITS)), look),
        "pending-changed": lambda: request_card(
            view(
                revision=2,
                proposed_arguments={**ARGUMENTS, "amount": 24000, "discount": "5"},
                arguments={**ARGUMENTS, "amount": 30000},
            ),
            look,
        ),
        "pending-paused": lambda: request_card(view(pauses=(PAUSED,)), look),
        "approved-paused": lambda: request_card(
            view(status=closed.APPROVED, decision=approved, pauses=(PAUSED,)), look
        ),
        "pending-budgets": lambda: request_card(view(budgets=BUDGETS), look),
        "pending-checked": lambda: request_card(
            view(
                asked_again="Approved by Alex Wilber on 2026-11-22 12:02 UTC, but what was checked "
                "has changed since: Credit limit was 60000 and is 50000.",
                facts={"credit_limit": 50000, "open_quotes": 2, "last_order": "2026-10-02"},
                preview=Preview(kind="diff", text=DIFF),
            ),
            look,
        ),
        "pending-checked-huge": lambda: request_card(
            view(facts={"balance": 500}, preview=Preview(text="A line.\n" * 4_000)), look
        ),
        "read": lambda: read_card(view(), look, "https://approve.example/read/abc.def", 60),
        "pending-hostile": lambda: request_card(
            view(
                arguments={"note": HOSTILE, HOSTILE: 1},
                rationale=HOSTILE,
                agent=HOSTILE,
                tool="send",
                schema=None,
            ),
            look,
        ),
        "pending-low-no-deadline": lambda: request_card(
            view(risk=Risk.LOW, expires_at=None, rationale="", arguments={}), look
        ),
        "pending-medium-two-together": lambda: request_card(
            view(risk=Risk.MEDIUM, siblings=(_sibling(),)), look
        ),
        "pending-branches": lambda: request_card(
            view(
                parallel=InParallel(branch="quote", failed={"mail": "The model refused: “No.”"}),
                siblings=(_sibling().model_copy(update={"parallel": InParallel(branch="crm")}),),
            ).model_copy(update={"reversibility": Reversibility.IRREVERSIBLE}),
            look,
        ),
        "pending-quorum": lambda: request_card(
            view(stages=(Stage(roles=("sales_manager",), quorum=2),), votes=(_vote("isaiah"),)),
            look,
            note=Note("Your vote is counted. More people have to decide.", "accent", final=True),
        ),
        "pending-times": lambda: request_card(view(timing=TIMING), look),
        "pending-escalated": lambda: request_card(
            view(
                timing=TIMING.model_copy(update={"steps": (), "escalated": (ESCALATED,)}),
                stages=(Stage(roles=("sales_manager", "controller")),),
            ),
            look,
        ),
        "pending-silent": lambda: request_card(view(timing=SILENT, risk=Risk.LOW), look),
        "approved-by-silence": lambda: request_card(
            view(status=RequestStatus.APPROVED, timing=SILENT, decision=BY_SILENCE), look
        ),
        "pending-first-of-two": lambda: request_card(view(stages=TIERS), look),
        "pending-second-of-two": lambda: request_card(
            view(stages=TIERS, stage=1, votes=(_vote("alex"),)),
            look,
            note=Note("Your vote is counted. More people have to decide.", "accent", final=True),
        ),
        "pending-parallel": lambda: request_card(
            view(stages=TOGETHER, stage=1, votes=(_vote("alex"),)), look
        ),
        "pending-not-editable": lambda: request_card(
            view(stages=(Stage(roles=("sales_manager",), edits=False, comment_required=True),)),
            look,
        ),
        "review": lambda: review_form(
            view(),
            look,
            _edit(arguments={**ARGUMENTS, "amount": 32000}),
            Typed({"amount": "32000"}, "As agreed on the phone"),
        ),
        "review-too-long": lambda: review_form(
            view(),
            look,
            _edit(arguments={**ARGUMENTS, "customer": "x" * 20_000}),
            Typed({"customer": "x" * 20_000}),
        ),
        "pending-reason-missing": lambda: request_card(
            view(), look, note=Note("Say why you reject it; the agents read the reason.")
        ),
        "pending-not-authorised": lambda: request_card(
            view(),
            look,
            note=Note("You cannot decide this. This needs the role sales_manager.", final=True),
        ),
        "pending-unproven": lambda: request_card(
            view(),
            look,
            note=Note(
                "This needs a proof that it is you, not older than 5 minutes; give it at "
                f"{PROOF_PAGE}. Nothing was decided.",
                "warning",
                page=PROOF_PAGE,
            ),
            typed=Typed(comment="Fine by me."),
        ),
        "pending-stale": lambda: request_card(
            view(revision=2), look, note=Note("This card was out of date. Nothing was decided.")
        ),
        "edit": lambda: edit_form(view(), look),
        "edit-problems": lambda: edit_form(
            view(), look, note=Note("2 values do not fit."), typed=TYPED
        ),
        "edit-nested": lambda: edit_form(
            view(arguments=NESTED, tool="send_email", schema=None), look
        ),
        "edit-too-long": lambda: edit_form(view(arguments=HUGE, schema=None), look),
        "approved": lambda: request_card(view(status=closed.APPROVED, decision=approved), look),
        "executing": lambda: request_card(view(status=closed.EXECUTING, decision=approved), look),
        "executed": lambda: request_card(
            view(
                status=closed.EXECUTED,
                decision=decided(comment="Good."),
                result=done(Outcome.EXECUTED, '{"quote": "Q-2041", "state": "released"}'),
            ),
            look,
        ),
        "executed-undoable": lambda: request_card(
            view(
                status=closed.EXECUTED,
                decision=decided(comment="Good."),
                result=done(Outcome.EXECUTED, '{"quote": "Q-2041", "state": "released"}'),
                undo=UNDO,
                undos=(undone(closed.REJECTED, reason="Version was 2 and is 3."),),
            ),
            look,
        ),
        "executed-undone": lambda: request_card(
            view(
                status=closed.EXECUTED,
                decision=decided(),
                result=done(Outcome.EXECUTED, "Quote Q-2041 pushed"),
                undo=UNDO,
                undos=(undone(closed.EXECUTED),),
            ),
            look,
        ),
        "pending-undo": lambda: request_card(
            view(tool=UNDO.tool, arguments=UNDO.arguments, schema=None, undoing=ACT), look
        ),
        "executed-with-changes": lambda: request_card(
            view(
                status=closed.EXECUTED,
                arguments=CHANGED,
                proposed_arguments=ARGUMENTS,
                changed_by=(MEGANS,),
                decision=decided(Verdict.MODIFY, "As agreed on the phone"),
                result=done(Outcome.EXECUTED_WITH_CHANGES, "Quote Q-2041 pushed"),
                revision=2,
            ),
            look,
        ),
        "rejected": lambda: request_card(
            view(
                status=closed.REJECTED,
                decision=decided(Verdict.REJECT, REASON),
                result=done(Outcome.NOT_EXECUTED, "", cause=Cause.REJECTED),
            ),
            look,
        ),
        "expired": lambda: request_card(
            view(
                status=closed.EXPIRED,
                decision=decided(Verdict.REJECT, "Nobody decided in time.", via=Via.CLOCK),
            ),
            look,
        ),
        "cancelled-drift": lambda: request_card(
            view(
                status=closed.CANCELLED,
                result=done(
                    Outcome.NOT_EXECUTED,
                    "",
                    cause=Cause.PRECONDITION,
                    message="The account is closed. It was approved, and nothing was run.",
                ),
            ),
            look,
        ),
        "approved-waits": lambda: request_card(
            view(status=closed.APPROVED, decision=approved, error="There is no workflow 'quote'."),
            look,
        ),
        "cancelled": lambda: request_card(view(status=closed.CANCELLED), look),
        "failed": lambda: request_card(
            view(
                status=closed.FAILED,
                decision=approved,
                result=done(Outcome.FAILED, "CPQ answered 503: maintenance until 14:00"),
            ),
            look,
        ),
        "in-doubt": lambda: request_card(view(status=closed.IN_DOUBT, decision=approved), look),
        "found-done": lambda: request_card(
            view(status=closed.EXECUTED, decision=approved, result=found(happened=True)), look
        ),
        "found-not-done": lambda: request_card(
            view(status=closed.FAILED, decision=approved, result=found(happened=False)), look
        ),
        "already-decided": lambda: request_card(
            view(status=closed.APPROVED, decision=decided(by_name="Isaiah Langer")), look, note=late
        ),
        "not-found": lambda: notice_card(
            "Request not found", "This request is not there any more."
        ),
        "is-it-an-answer": lambda: is_it_an_answer(
            request(kind=RequestKind.INPUT, arguments=ASKED),
            SAID,
            Start(WORKFLOWS[0], SAID),
            look,
            "1",
        ),
        "is-it-a-command": lambda: is_it_an_answer(
            request(kind=RequestKind.INPUT, arguments=ASKED), "status", Command("status"), look, "1"
        ),
        "shall-it-start": lambda: shall_it_start(
            WORKFLOWS[0],
            SAID,
            look,
            "1",
            question=prompt_of(request(kind=RequestKind.INPUT, arguments=ASKED)),
        ),
        "how-it-stands": lambda: state_card(view()),
        **_together(look),
        "input": lambda: request_card(view(kind=RequestKind.INPUT, arguments=ASKED), look),
        "input-answered": lambda: request_card(
            view(
                kind=RequestKind.INPUT,
                arguments=ASKED,
                status=closed.APPROVED,
                decision=decided(comment="Yes, but shorter."),
            ),
            look,
        ),
        "input-ended": lambda: request_card(
            view(
                kind=RequestKind.INPUT,
                arguments=ASKED,
                status=closed.REJECTED,
                decision=decided(Verdict.REJECT),
            ),
            look,
        ),
    }


def _together(look: Look) -> dict[str, Callable[[], JsonObject]]:
    """Cards of several calls."""
    closed = RequestStatus
    failed = {"mail": "The model server answered 500."}
    crm = {"parallel": InParallel(branch="crm", failed=failed), "tool": "update_opportunity"}
    mixed = several(
        3,
        {"status": closed.APPROVED, "decision": decided(comment="As agreed.")},
        {"status": closed.REJECTED, "decision": decided(Verdict.REJECT, REASON)},
    )
    over = several(
        7,
        {"status": closed.FAILED, "result": done(Outcome.FAILED, "CPQ answered 503.")},
        {"status": closed.REJECTED, "decision": decided(Verdict.REJECT, REASON)},
        status=closed.EXECUTED,
        decision=decided(),
        result=done(Outcome.EXECUTED, "Quote Q-2041 pushed"),
    )
    taken_back = several(
        2,
        {"undo": UNDO, "facts": {"stage_now": "proposal", "amount_now": 26000}},
        {"status": closed.REJECTED, "decision": decided(Verdict.REJECT, REASON)},
        status=closed.EXECUTED,
        decision=decided(),
        result=done(Outcome.EXECUTED, "Quote Q-2041 pushed"),
    )
    two = several(2, crm, {"preview": Preview(kind="diff", text=DIFF)})
    pages = replace(look, pages_url="https://approve.example")

    def drawn(of: RequestView, look: Look = look, **more: Any) -> Callable[[], JsonObject]:
        return lambda: checkpoint_card(of, every(of), look, **more)

    return {
        "together-2-parallel": drawn(two),
        "together-3": drawn(several(3)),
        "together-3-mixed": drawn(mixed, note=Note("2. Push quote: ✗ Rejected.", "accent")),
        "together-2-undo": drawn(taken_back),
        "together-7-over": drawn(over),
        "together-20": drawn(several(20), pages),
        "together-200": drawn(several(200), pages),
        "together-200-no-pages": drawn(several(200)),
        "together-long": drawn(several(6, {"arguments": {"note": LONG}})),
        "together-refused": drawn(several(3), note=Note("You cannot decide these.", final=True)),
        "together-elsewhere": lambda: checkpoint_state(mixed, every(mixed)),
    }
