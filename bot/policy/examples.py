"""Examples: the rulings that the rules are meant to make, compared with those that they make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.forms.rollouts import PHASES
from countersign.approvals.models import Value
from countersign.approvals.rules.entries import Entry
from countersign.approvals.rules.examples import Example
from countersign.approvals.rules.rollout.adversarial import tried
from countersign.approvals.rules.rollout.phases import rollouts
from countersign.approvals.rules.rollout.terms import terms_of
from countersign.bot.policy.explained import Rules
from countersign.bot.settings.problems import problems_of
from countersign.bot.settings.yaml import parse


class ExampleFile(Value):
    """A file with examples beside the configuration."""

    examples: tuple[Example, ...]


def beside(config: Path) -> Path:
    """Where examples of a configuration stand that are not in it: `NAME.examples.yaml`."""
    return config.with_suffix(".examples.yaml")


def read_examples(path: Path) -> Sequence[Example]:
    """The examples in a file. Raises ConfigurationError with everything that is wrong with them."""
    document = parse(path)
    try:
        return ExampleFile.model_validate(document).examples
    except ValidationError as exc:
        found = problems_of(exc, "", document, ExampleFile)
        raise ConfigurationError([f"{path}: {each.removeprefix('.')}" for each in found]) from exc


def failures(rules: Rules, example: Example, now: datetime) -> list[str]:
    """What came out otherwise than the example says, each in a sentence; none if nothing did."""
    found = rules.explain(example, now)
    ruling, expected, said = found.ruling, example.expect, []
    if ruling.effect is not expected.effect:
        said.append(f"expected {expected.effect}, and it is {ruling.effect} by {ruling.rule_id}")
    if expected.rule not in (None, ruling.rule_id):
        said.append(f"expected the rule {expected.rule}, and it is {ruling.rule_id}")
    roles = tuple(role for stage in ruling.stages for role in stage.roles)
    if expected.roles not in (None, roles):
        wanted = ", ".join(expected.roles or ()) or "nobody"
        said.append(f"expected to ask {wanted}, and it asks {', '.join(roles) or 'nobody'}")
    if said:
        said.append(ruling.reason)
        said += [f"{each.rule}: {each.why}" for each in found.considered if each.is_for_tool]
    return said


def would_run(rules: Rules, examples: Sequence[Example]) -> list[tuple[str, str]]:
    """The adversarial examples that would run unasked once a rule has come to its last phase: their
    names, each with a sentence."""
    known = [_known(rules, example) for example in examples]
    return [
        (name, _says(place, tool, entry, name))
        for place, tool, entry in rollouts(rules.policy.book)
        for name in tried(rules.policy, entry, tool, known).run
    ]


def _says(place: str, tool: str, entry: Entry, name: str) -> str:
    last = PHASES[terms_of(entry.rule, entry.id).phases[-1]]
    return (
        f"policy.{place}.rollout: the adversarial example {name} would run unasked for {tool} once "
        f"the rule is {last}; add a gate that it does not meet."
    )


def _known(rules: Rules, example: Example) -> Example:
    """With the roles that its requester has."""
    person = rules.directory.by_id(example.requester or "")
    if example.roles is not None or person is None:
        return example
    return example.model_copy(update={"roles": tuple(sorted(person.roles))})
