"""Explained: what the rules say of a call that somebody wrote down, as a colleague tells it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from countersign.approvals.errors import InvalidArgumentsError, InvalidError
from countersign.approvals.forms.wording import duration_words, span_words
from countersign.approvals.models import Effect, People, Proposal, Span, Subject
from countersign.approvals.ports import Directory
from countersign.approvals.rules.budgets.charges import Used
from countersign.approvals.rules.budgets.judging import RUNS, in_entry
from countersign.approvals.rules.budgets.words import lines
from countersign.approvals.rules.conditions.calendars import NO_CALENDARS, Calendars
from countersign.approvals.rules.deciding import stages_in_words
from countersign.approvals.rules.examples import ExampleCall
from countersign.approvals.rules.explaining import Explanation, explain
from countersign.approvals.rules.grants import Grants
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.proposals import rule
from countersign.bot.people import directory_of
from countersign.bot.policy.check import ruling_policy
from countersign.bot.policy.deciders import NOTHING_KNOWN, Around, Deciders
from countersign.bot.policy.times import time_body, when
from countersign.bot.settings.problems import problems_of
from countersign.bot.settings.sections import Settings

if TYPE_CHECKING:  # AutoGen takes a second to import
    from countersign.bot.workflows.opened import AnyWorkflows


@dataclass(frozen=True)
class Rules:
    """The rules of a configuration, with what they are asked about."""

    policy: Policy
    directory: Directory
    registry: AnyWorkflows | None
    """None where there are neither rules nor budgets: nothing has to be known of the tools then."""
    unusable: Sequence[str] = ()
    """Why some workflows cannot be used; their tools are not known."""

    def explain(self, asked: ExampleCall, now: datetime) -> Explanation:
        """What would become of the call if it were proposed now, or when it says."""
        workflow = asked.workflow or self._workflow(asked.tool)
        person = self.directory.by_id(asked.requester or "")
        roles = None if asked.requester is None else frozenset(person.roles if person else ())
        asked = asked.model_copy(update={"workflow": workflow})
        call, situation = asked.call, asked.situation(now, roles)
        try:
            effective = self._effective(asked)
        except InvalidArgumentsError as exc:
            found = explain(self.policy, call, situation)
            refused = rule(self.policy, Proposal(call=call, problem=str(exc)), (), situation)
            return found.model_copy(update={"ruling": refused, "considered": ()})
        used = {name: Used(each.count, each.value) for name, each in asked.used.items()}
        call = call.model_copy(update={"arguments": effective})
        needs = self.policy.needs(call, workflow)
        seen = asked.seen(needs, call, self.policy.book.reversibility(call.tool))
        situation = situation.model_copy(update=seen or {})
        return explain(self.policy, call, situation, used)

    def _workflow(self, tool: str) -> str | None:
        infos = self.registry.infos() if self.registry is not None else ()
        return next((info.name for info in infos if tool in info.tools), None)

    def _effective(self, asked: ExampleCall) -> dict[str, Any]:
        """The arguments as the tool would receive them. Raises InvalidArgumentsError."""
        if self.registry is None or asked.workflow is None:
            return asked.arguments
        reading = self.registry.effective(asked.workflow, asked.tool, asked.arguments)
        effective = asyncio.run(_awaited(reading))
        return asked.arguments if effective is None else effective.arguments


async def _awaited(reading: Any) -> Any:
    return await reading


def rules_of(settings: Settings, *, tools: bool = False) -> Rules:
    """The rules, checked against the tools of the workflows where they have conditions, or will get
    some (`tools`).

    Raises ConfigurationError for rules that a server would not start with.
    """
    directory, document = directory_of(settings), settings.policy.document
    if not (tools or document.rules or document.budgets):
        return Rules(settings.policy, directory, None)
    from countersign.agents.classic.models import shared_client
    from countersign.bot.workflows.found import sound_workflows

    with shared_client() as client:
        registry, unusable = sound_workflows(settings, client)
    return Rules(ruling_policy(settings.policy, registry), directory, registry, unusable)


def read_call(path: Path) -> ExampleCall:
    """The call in a file. Raises InvalidError."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise InvalidError(f"{path}: cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise InvalidError(f"{path}: is not JSON: {exc}") from exc
    return call_of(given, str(path))


def call_of(given: Any, source: str) -> ExampleCall:
    """The call that somebody wrote down. Raises InvalidError with everything that is wrong."""
    try:
        return ExampleCall.model_validate(given)
    except ValidationError as exc:
        raise InvalidError("\n".join(problems_of(exc, source, given, ExampleCall))) from exc


def body_of(
    found: Explanation, at: datetime, calendars: Calendars = NO_CALENDARS
) -> dict[str, Any]:
    """What `policy explain --json` prints of a call that is asked at this moment."""
    ruling = found.ruling
    more: dict[str, Any] = {}
    if ruling.step_up_s is not None:
        more["step_up_s"] = ruling.step_up_s
    if found.grants is not None:
        more["grants"] = found.grants.model_dump(mode="json", exclude_none=True)
    return {
        "effect": ruling.effect,
        "rule": ruling.rule_id,
        "reason": ruling.reason,
        "reversibility": found.reversibility,
        "stages": [stage.told() for stage in ruling.stages],
        "deadline_s": ruling.deadline_s,
        **time_body(ruling, at, calendars),
        "channels": list(ruling.channels),
        "considered": [
            each.model_dump(mode="json", include={"rule", "matched", "why"})
            for each in found.considered
        ],
        "policy_version": found.policy_version,
        **more,
        **in_entry(ruling.budgets),
    }


def told(
    found: Explanation,
    directory: Directory,
    asked: ExampleCall,
    now: datetime,
    calendars: Calendars = NO_CALENDARS,
    around: Around = NOTHING_KNOWN,
) -> Iterator[str]:
    """What `policy explain` prints, line by line."""
    ruling, subject = found.ruling, Subject(asked.tool, asked.agent, found.workflow)
    people = around.people(directory.people()).at(asked.at or now).about(subject)
    yield f"{ruling.effect} by {ruling.rule_id} (risk {ruling.risk})"
    yield ruling.reason
    if ruling.effect is Effect.REQUIRE_APPROVAL:
        yield from _asks(found, people, asked, now, calendars)
    if ruling.effect in RUNS:
        yield from around.paused(subject, people.domains)
    yield from (f"budget {line}" for line in lines(ruling.budgets))
    yield from _considered(found)
    yield f"reversibility {found.reversibility}; policy version {found.policy_version}"


def _asks(
    found: Explanation,
    people: People,
    asked: ExampleCall,
    now: datetime,
    calendars: Calendars,
) -> Iterator[str]:
    ruling = found.ruling
    yield f"asks {stages_in_words(ruling.stages)}, in {' and '.join(ruling.channels)}"
    yield from Deciders(ruling, asked.requester, people).lines()
    yield from when(ruling, asked.at or now, calendars)
    if ruling.valid_for_s is not None:
        valid = Span(seconds=ruling.valid_for_s, calendar=ruling.time.valid_calendar)
        holds = span_words(valid)
        yield f"an approval holds for {holds}; what has not begun by then is asked again"
    if ruling.step_up_s is not None:
        span = duration_words(ruling.step_up_s)
        yield f"each of them proves their presence, at most {span} before they approve"
    if found.grants is not None:
        yield f"they may approve later calls with it: {_bounds(found.grants)}"


def _bounds(grants: Grants) -> str:
    """The most that may be granted, as a colleague says it."""
    parts = []
    if grants.max_uses is not None:
        parts.append(f"{grants.max_uses} at most")
    if grants.max_duration is not None:
        parts.append(f"for {duration_words(grants.max_duration)}")
    if grants.max_total is not None:
        money = f"{grants.max_total.amount} {grants.max_total.currency or ''}".rstrip()
        parts.append(f"up to {money} in total of {grants.value}")
    if grants.same:
        parts.append(f"with the same {' and '.join(grants.same)}")
    return ", ".join(parts)


def _considered(found: Explanation) -> Iterator[str]:
    others = [each.rule for each in found.considered if not each.is_for_tool]
    own = [each for each in found.considered if each.is_for_tool]
    for each in own:
        if each.matched:
            yield f"it matched {each.rule}: {each.why}"
        elif each.rule == found.ruling.rule_id:
            yield f"it stopped at {each.rule}, so no later rule was asked"
        else:
            yield f"not {each.rule}: {each.why}"
    if others and own:
        yield f"rules for other tools come before it: {', '.join(others)}"
    elif others:
        yield f"all rules are for other tools: {', '.join(others)}"
