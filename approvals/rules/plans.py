"""Plans: how one is ruled on, what may be changed of it, and what its steps cover. Pure.

Nobody approves by a plan what they could not approve alone: it asks everybody whom its calls ask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import reduce
from math import inf

from pydantic import ValidationError

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.forms.wording import duration_words
from countersign.approvals.models import (
    Effect,
    Grant,
    JsonObject,
    Request,
    Reversibility,
    Risk,
    Ruling,
    ToolCall,
)
from countersign.approvals.models.plans import PLAN_TOOL, Plan, PlanStep
from countersign.approvals.models.time_rules import ANY_TIME
from countersign.approvals.rules.conditions.syntax import ConditionSyntaxError, Node, parse
from countersign.approvals.rules.durations import duration_s
from countersign.approvals.rules.tiers import merged

RULE = "plan"
"""What a plan's ruling names as its rule."""
LONGEST_S = 7 * 86_400.0
ONLY_NARROWER = (
    "A plan can only be made narrower by whoever decides it: remove steps, lower `times` or "
    "`valid_for`, take names off `may_vary`, or make a bound of `when` tighter. {why} Reject it, "
    "and say what to propose instead."
)
UNREADABLE = "The plan cannot be read: {why}."
NOT_IN_PLANS = "the rule {rule} does not let its calls be approved in a plan; propose it by itself"
_RISKS = tuple(Risk)
Against = Callable[[ToolCall, PlanStep, Ruling], str | None]
"""Why a call that is asked of people may be no step of a plan."""


def read(arguments: JsonObject) -> Plan:
    """The plan. Raises ValueError with what is wrong."""
    try:
        plan = Plan.model_validate(arguments)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where}: {first['msg']}") from exc
    if duration_s(plan.valid_for) > LONGEST_S:
        raise ValueError(f"valid_for: a plan holds for {duration_words(LONGEST_S)} at most")
    return plan


def calls_of(plan: Plan, call: ToolCall) -> list[ToolCall]:
    """The calls of a plan that is proposed by `call`, each as one call of it would be."""
    return [
        call.model_copy(update={"tool": step.tool, "arguments": step.arguments})
        for step in plan.steps
    ]


def ruling(call: ToolCall, rule: Callable[[ToolCall], Ruling], against: Against) -> Ruling:
    """What is said of a plan: all whom its calls ask, or why it is not asked. Never raises."""
    try:
        plan = read(call.arguments)
    except ValueError as exc:
        return _denied(UNREADABLE.format(why=exc))
    asked: list[Ruling] = []
    for number, (step, each) in enumerate(zip(plan.steps, calls_of(plan, call), strict=True), 1):
        if step.tool == PLAN_TOOL:
            return _denied(f"Step {number}: a plan is no step of a plan.")
        found = rule(each)
        if found.effect is Effect.ALLOW:
            why: str | None = "it needs no approval; leave it out"
        elif found.effect is not Effect.REQUIRE_APPROVAL:
            why = found.reason.rstrip(".")
        else:
            why = wrong_step(step) or against(each, step, found)
        if why is not None:
            return _denied(f"Step {number} ({step.tool}): {why}.")
        asked.append(found)
    return _together(asked)


def wrong_step(step: PlanStep) -> str | None:
    """What is wrong with its bounds; None if nothing is."""
    unknown = [name for name in step.may_vary if name not in step.arguments]
    if unknown:
        return f"{', '.join(unknown)} may vary, and is none of its arguments"
    if step.may_vary and not step.when.strip():
        return f"{', '.join(step.may_vary)} may vary; say within which bounds (`when`)"
    return None


def against_varying(step: PlanStep, reversibility: Reversibility) -> str | None:
    """Why its arguments may not vary; None if they may, or do not."""
    if step.may_vary and reversibility is Reversibility.IRREVERSIBLE:
        return f"{step.tool} cannot be undone, so a plan has exact arguments of it, and no may_vary"
    return None


def _together(asked: Sequence[Ruling]) -> Ruling:
    soonest = min(asked, key=lambda each: each.deadline_s or inf)
    spans = [each.valid_for_s for each in asked if each.valid_for_s is not None]
    rules = ", ".join(dict.fromkeys(each.rule_id for each in asked))
    return Ruling(
        effect=Effect.REQUIRE_APPROVAL,
        rule_id=RULE,
        reason=f"A plan of calls that ask for people by {rules}.",
        risk=max((each.risk for each in asked), key=_RISKS.index),
        stages=reduce(merged, [each.stages for each in asked]),
        deadline_s=soonest.deadline_s,
        channels=tuple(dict.fromkeys(name for each in asked for name in each.channels)),
        valid_for_s=min(spans, default=None),
        time=ANY_TIME.model_copy(update={"deadline_calendar": soonest.time.deadline_calendar}),
    )


def _denied(reason: str) -> Ruling:
    return Ruling(effect=Effect.DENY, rule_id=RULE, reason=reason, risk=Risk.HIGH)


def reason_against_edit(before: JsonObject, after: JsonObject) -> str | None:
    """Why whoever decides a plan may not make this of it; None if it is narrower."""
    try:
        was, now = read(before), read(after)
    except ValueError as exc:
        return ONLY_NARROWER.format(why=f"{exc}.")
    if duration_s(now.valid_for) > duration_s(was.valid_for):
        return ONLY_NARROWER.format(why=f"valid_for was {was.valid_for}.")
    left = list(was.steps)
    for number, step in enumerate(now.steps, 1):
        wider = next((old for old in left if _is_narrower(step, old)), None)
        if wider is None:
            return ONLY_NARROWER.format(why=f"Step {number} ({step.tool}) is wider or another one.")
        del left[: left.index(wider) + 1]  # in their order
    return None


def _is_narrower(step: PlanStep, old: PlanStep) -> bool:
    same = (step.tool, canonical_json(step.arguments)) == (
        old.tool,
        canonical_json(old.arguments),
    )
    fewer = step.times <= old.times and set(step.may_vary) <= set(old.may_vary)
    return same and fewer and _is_tighter(step.when, old.when)


def _is_tighter(when: str, old: str) -> bool:
    """Whether all that the old bound demands is demanded still."""
    if not old.strip() or when == old:
        return True
    try:
        demanded, kept = _parts(parse(old)), _parts(parse(when))
    except ConditionSyntaxError:
        return False
    return all(any(_demands(new, each) for new in kept) for each in demanded)


def _parts(node: Node) -> list[Node]:
    if node.op != "and":
        return [node]
    return [each for part in node.parts for each in _parts(part)]


def _demands(new: Node, old: Node) -> bool:
    """Whether it is the same, or a number that leaves less room."""
    if new == old:
        return True
    if new.op != old.op or new.op not in _ROOM or new.parts[0] != old.parts[0]:
        return False
    bounds = [part.value for part in (new.parts[1], old.parts[1]) if part.op == "literal"]
    if len(bounds) != 2 or any(type(each) not in (int, float, Decimal) for each in bounds):
        return False
    return bool(bounds[0] <= bounds[1] if _ROOM[new.op] == "below" else bounds[0] >= bounds[1])


_ROOM = {"le": "below", "lt": "below", "ge": "above", "gt": "above"}


def table(arguments: JsonObject) -> list[list[str]] | str:
    """The steps in words, as rows, the first of which is their head: what people decide on. A
    sentence for what is no plan."""
    try:
        plan = read(arguments)
    except ValueError as exc:
        return UNREADABLE.format(why=exc)
    rows = [["Step", "Call", "With", "How often, and what may vary"]]
    for number, step in enumerate(plan.steps, 1):
        given = ", ".join(f"{name} {_text(value)}" for name, value in step.arguments.items())
        often = "once" if step.times == 1 else f"up to {step.times} times"
        bound = f"; {', '.join(step.may_vary)} may vary" if step.may_vary else "; exactly so"
        bound += f", only when {step.when}" if step.when else ""
        rows.append([str(number), step.tool, given or "nothing", often + bound])
    rows.append(["all", "valid for", plan.valid_for, "after it is approved, in this session"])
    return rows


def _text(value: object) -> str:
    return value if isinstance(value, str) else canonical_json([value]).decode()[1:-1]


def reason_against_use(grant: Grant, request: Request) -> str | None:
    """Why a call is none of the step that this grant is for; None if it is, or the grant is for no
    plan. Equal arguments, bounds and uses are looked at with every grant."""
    if not grant.step:
        return None
    if grant.session_id != request.session_id:
        return "it is for another session"
    tool_gave = {pointer.removeprefix("/") for pointer in request.defaulted}
    known = {*grant.same, *grant.varying, *tool_gave}
    beside = sorted(name for name in request.arguments if name not in known)
    return f"{', '.join(beside)} is not in the plan" if beside else None
