"""Adversarial examples: calls that must never run unasked, tried before people let go. Pure.

They stand with the other examples of a policy. A rule is tried as it would rule in its last phase.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from countersign.approvals.models import Effect, JsonObject, Phase
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.rollout.terms import meaning_of, terms_of

if TYPE_CHECKING:
    from countersign.approvals.rules.entries import Entry
    from countersign.approvals.rules.examples import Example
    from countersign.approvals.rules.policy import Policy


class Adversarial(NamedTuple):
    """What became of the adversarial examples of one rule and tool."""

    names: tuple[str, ...] = ()
    """All that were tried."""
    run: tuple[str, ...] = ()
    """Those that would run without anybody having been asked."""


NONE_TRIED = Adversarial()


def tried(policy: Policy, entry: Entry, tool: str, examples: Sequence[Example]) -> Adversarial:
    """The adversarial ones of these for a tool, with the rule in its last phase. What an example
    does not say of its requester and its time is not known, and what cannot be decided does not
    run."""
    last = terms_of(entry.rule, entry.id).phases[-1]
    names, run = [], []
    for number, example in enumerate(examples):
        if not example.adversarial or example.tool != tool:
            continue
        name = example.name or f"examples.{number}"
        names.append(name)
        if any(_runs(policy, entry, example, each, last) for each in _workflows(policy, example)):
            run.append(name)
    return Adversarial(tuple(names), tuple(run))


def _workflows(policy: Policy, example: Example) -> Iterator[str | None]:
    """That of the example; else all that have its tool."""
    known = [workflow for workflow, tool in policy.book.known.schemas if tool == example.tool]
    yield from (known or (None,)) if example.workflow is None else (example.workflow,)


def _runs(
    policy: Policy, entry: Entry, example: Example, workflow: str | None, phase: Phase
) -> bool:
    schema = policy.book.known.schemas.get((workflow or "", example.tool), {})
    defaults = {
        name: each["default"]
        for name, each in schema.get("properties", {}).items()
        if "default" in each
    }
    call = example.call
    call = call.model_copy(update={"arguments": {**defaults, **call.arguments}})
    needs = policy.needs(call, workflow)
    seen = example.seen(needs, call, policy.book.reversibility(call.tool)) or {}
    stands: JsonObject = {
        "meaning": meaning_of(entry.rule, entry.id),
        "phase": phase.value,
        "asked": False,
    }
    situation = Situation(
        workflow=workflow,
        requester=example.requester,
        roles=None if example.roles is None else frozenset(example.roles),
        at=example.at,
        **{**seen, "rollout": {"rules": {entry.id: stands}}},
    )
    return policy.rule(call, situation).effect is Effect.ALLOW
