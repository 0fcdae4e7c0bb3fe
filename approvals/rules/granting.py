"""Granting: what rules permit, what is wrong with that, and whether a grant covers a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from countersign.approvals.forms.sentences import nearest
from countersign.approvals.models import (
    Effect,
    Grant,
    JsonObject,
    People,
    Request,
    Reversibility,
    Ruling,
    Used,
    Verdict,
    Vote,
)
from countersign.approvals.models.plans import MOST_TIMES
from countersign.approvals.rules.authority import revoked
from countersign.approvals.rules.conditions.checking import Checked
from countersign.approvals.rules.conditions.facts import Facts
from countersign.approvals.rules.conditions.syntax import ConditionSyntaxError
from countersign.approvals.rules.conditions.values import EvaluationError
from countersign.approvals.rules.counterparty import with_parties
from countersign.approvals.rules.grants import (
    Grants,
    Permitted,
    after_use,
    fingerprint,
    reason_against_use,
    value_of,
    votes_of,
)
from countersign.approvals.rules.lifecycle import tally
from countersign.approvals.rules.ordered_rules import OrderedRule
from countersign.approvals.rules.plans import reason_against_use as reason_against_step
from countersign.approvals.rules.rulebook import Rulebook
from countersign.approvals.rules.tool_rules import Rule

IN_PLAN = Grants(max_uses=MOST_TIMES, irreversible=True)
"""What a rule permits that lets its calls be approved in a plan; the plan bounds it."""


def problems(rules: Mapping[str, Rule], book: Rulebook) -> Iterator[tuple[str, str]]:
    """What is wrong with the grants of these rules, by where they stand, compared with the tools
    that are known."""
    for where, rule in rules.items():
        if rule.grants is None:
            continue
        for (workflow, tool), schema in book.known.schemas.items():
            if any(entry.rule is rule for entry in book.lane(workflow, tool)):
                place = f"{where.removeprefix('policy.')}.grants"
                for says in _wrong(rule.grants, tool, schema, book.reversibility(tool)):
                    yield place, says


def _wrong(
    grants: Grants, tool: str, schema: JsonObject, reversibility: Reversibility
) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in grants.arguments():
        if name not in known:
            meant = nearest(name, known)
            hint = f"did you mean {meant}?" if meant else f"it has {', '.join(known) or 'none'}."
            yield f"{tool} has no argument {name}; {hint}"
    if reversibility is Reversibility.IRREVERSIBLE and not grants.irreversible:
        yield (
            f"{tool} cannot be undone, so nothing is granted of it; write `irreversible: true`, or "
            "its class under policy.reversibility."
        )


def permitted(
    ruling: Ruling, rule: Rule | None, reversibility: Reversibility | None
) -> Permitted | None:
    """What may be given of calls like one that this rule ruled on, by its tool's reversibility; or,
    where that is None, in a plan. None if nothing."""
    if rule is None or ruling.effect is not Effect.REQUIRE_APPROVAL:
        return None
    if reversibility is None:
        return _permitted(ruling, rule, IN_PLAN) if rule.plans else None
    if rule.grants is None:
        return None
    if reversibility is Reversibility.IRREVERSIBLE and not rule.grants.irreversible:
        return None
    return _permitted(ruling, rule, rule.grants)


def _permitted(ruling: Ruling, rule: Rule, grants: Grants) -> Permitted:
    when = rule.when if isinstance(rule, OrderedRule) else None
    stages = with_parties(ruling.stages, ())  # those of the rule, whomever the call is with
    text = [*filter(None, [when]), *rule.counterparty]
    names = fingerprint(ruling.rule_id, stages, " ".join(text) or None, grants)
    return Permitted(grants, ruling.rule_id, stages, names)


def reason_against_condition(text: str, book: Rulebook, workflow: str, tool: str) -> str | None:
    """What is wrong with the condition of a grant; None if nothing is."""
    try:
        condition = book.compiled(text, workflow, tool)
    except ConditionSyntaxError as exc:
        return f"{text!r} {exc}"
    return condition.problems[0] if isinstance(condition, Checked) else None


def covered(
    grant: Grant,
    used: Used,
    request: Request,
    workflow: str,
    permitted: Permitted | None,
    facts: Facts,
    book: Rulebook,
    people: People,
    now: datetime,
) -> Used:
    """How far a grant is used once the call has run by it. Raises ValueError with the reason why it
    may not."""
    if permitted is None or permitted.sha256 != grant.rule_sha256:
        raise ValueError("the rule that permitted it has changed")
    against = reason_against_use(grant, request, people, now)
    against = against or reason_against_step(grant, request)
    against = (
        against
        or _lost(grant, request, people)
        or untrue(grant.when, book, workflow, grant.tool, facts)
    )
    if against is not None:
        raise ValueError(against)
    return after_use(grant, used, value_of(permitted.grants, request.arguments))


def _lost(grant: Grant, request: Request, people: People) -> str | None:
    """Why those who gave it cannot give it any more."""
    votes: Sequence[Vote] = votes_of(grant, request)
    lost = revoked(people, request, votes)
    if lost is not None:
        return lost.replace("approved", "gave").rstrip(".")
    if tally(request.stages, votes).verdict is not Verdict.APPROVE:
        return "it was not given by everybody whom this asks"
    return None


def untrue(
    conditions: Sequence[str], book: Rulebook, workflow: str, tool: str, facts: Facts
) -> str | None:
    """Which of these conditions is not true of a call; None if all are."""
    for text in conditions:
        condition = book.compiled(text, workflow, tool)
        try:
            if isinstance(condition, Checked) or not condition.holds(facts):
                return f"{text} is not true of it"
        except EvaluationError as exc:
            return f"{text} cannot be decided: {exc}"
    return None
