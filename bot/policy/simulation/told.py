"""What a simulation has found: in words, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from countersign.approvals.forms.wording import in_words, visible
from countersign.approvals.models import Effect, JsonObject
from countersign.approvals.rules.simulation.recorded import Heard
from countersign.approvals.rules.simulation.tally import Tally
from countersign.bot.policy.simulation.run import Simulation

FORMAT = "countersign-simulation-1"
MOST_LINES = 10
"""Calls and people that are named in the terminal; the report names more."""
HEARD: Mapping[Heard, str] = {
    Heard.APPROVED: "approved by people",
    Heard.CHANGED: "approved with other arguments",
    Heard.REJECTED: "rejected by people",
    Heard.REVOKED: "taken back by people after they had approved",
    Heard.EXPIRED: "never answered in time",
    Heard.ENDED: "ended before anybody answered",
    Heard.OPEN: "not answered yet",
    Heard.NOBODY: "decided by a rule or a grant",
}
EFFECTS: Mapping[Effect, str] = {
    Effect.ALLOW: "runs without asking",
    Effect.REQUIRE_APPROVAL: "people are asked",
    Effect.DENY: "denied",
    Effect.SHADOW: "recorded only",
}


def body(simulation: Simulation, tally: Tally) -> JsonObject:
    """Everything, as JSON."""
    stored = tally.body()
    return {
        "format": FORMAT,
        "since": simulation.span.since.isoformat(),
        "until": simulation.span.until.isoformat(),
        "calls": tally.calls,
        "before": {"policy_version": simulation.before.version, **_side(tally, "before")},
        "after": {"policy_version": simulation.after.version, **_side(tally, "after")},
        "effects": [
            {"before": old, "after": new, "calls": count}
            for (old, new), count in moves(tally).items()
        ],
        "no_longer_asked": {
            "calls": sum(tally.spared.values()),
            "heard": dict(tally.spared),
            "people": [
                {"heard": heard, "name": name, "calls": count}
                for (heard, name), count in people(tally)
            ],
            "samples": stored["samples"]["spared"],
        },
        "newly_asked": {
            "calls": moves(tally)[Effect.ALLOW, Effect.REQUIRE_APPROVAL],
            "samples": stored["samples"]["newly_asked"],
        },
        "would_run_against_people": {
            "calls": tally.against,
            "heard": against(tally),
            "by_the_present_policy_too": already(tally),
            "samples": stored["samples"]["would_run"],
        },
        "time": dict(tally.late),
    }


def _side(tally: Tally, side: str) -> JsonObject:
    return {
        "asked": asked(tally)[side],
        "rules": [
            {"rule": rule, "effect": effect, "calls": count}
            for (rule, effect), count in _pairs(tally.rules[side])
        ],
        "stages": [{"who": who, "votes": count} for who, count in tally.asked[side].most_common()],
        "days": dict(sorted(tally.days[side].items())),
        "budgets": [
            {"budget": name, "passed": limit, "calls": count}
            for (name, limit), count in _pairs(tally.budgets[side])
        ],
    }


def moves(tally: Tally) -> Counter[tuple[Effect, Effect]]:
    """How many calls have one effect by the present policy, and another by the new one."""
    found: Counter[tuple[Effect, Effect]] = Counter()
    for key, count in tally.effects.most_common():
        old, _, new = key.partition(">")
        found[Effect(old), Effect(new)] = count
    return found


def asked(tally: Tally) -> Mapping[str, int]:
    """About how many calls people are asked, by side."""
    both = {"before": 0, "after": 0}
    for (old, new), count in moves(tally).items():
        both["before"] += count * (old is Effect.REQUIRE_APPROVAL)
        both["after"] += count * (new is Effect.REQUIRE_APPROVAL)
    return both


def people(tally: Tally) -> list[tuple[tuple[Heard, str], int]]:
    """Who had answered how often what they would not be asked about any more, the noes first."""
    order = [Heard.REVOKED, Heard.REJECTED, Heard.CHANGED]
    found = []
    for key, count in tally.spared_people.items():
        heard, _, name = key.partition(":")
        found.append(((Heard(heard), name), count))
    place = {each: number for number, each in enumerate(order)}
    return sorted(found, key=lambda each: (place.get(each[0][0], 9), -each[1], each[0][1]))


def against(tally: Tally) -> Mapping[str, int]:
    """What was heard of calls that would run although a person was against them."""
    found: Counter[str] = Counter()
    for key, count in tally.would_run.items():
        found[key.removeprefix("now:")] += count
    return dict(found)


def already(tally: Tally) -> int:
    """Those of them that run by the present policy as well."""
    return sum(count for key, count in tally.would_run.items() if key.startswith("now:"))


def lines(simulation: Simulation, tally: Tally) -> Iterator[str]:
    """What the terminal shows, but for what has to be put right: `warnings`."""
    span, both = simulation.span, asked(tally)
    yield (
        f"{_calls(tally.calls)} from {_day(span.since)} to {_day(span.until)}; policy "
        f"{simulation.before.version} now, {simulation.after.version} new"
    )
    if not tally.calls:
        return
    yield f"people are asked {both['after']:,} times instead of {both['before']:,}"
    for (old, new), count in moves(tally).items():
        if old is not new:
            yield f"  {_calls(count)}: {EFFECTS[new]}, now: {EFFECTS[old]}"
    if tally.spared:
        yield f"no longer asked about: {sum(tally.spared.values()):,}"
        for heard, count in tally.spared.most_common():
            yield f"  {count:,} {HEARD[Heard(heard)]}{_by(tally, heard)}"
    yield from _differences("votes", tally.asked)
    yield from _differences("budget", tally.budgets)
    late = tally.late
    if late["decided"]:
        yield (
            f"of {_calls(late['decided'])} that people had answered and would be asked about: "
            f"{late['remind']:,} reminded, {late['escalate']:,} escalated, "
            f"{late['expired']:,} expired before their answer"
        )


def warnings(tally: Tally) -> Iterator[str]:
    """What has to be put right before these rules are turned on."""
    if not tally.against:
        return
    both = already(tally)
    now = f" ({both:,} of them run by the present policy, too)" if both else ""
    yield f"{_calls(tally.against)} that a person was against would run{now}"
    for each in tally.samples["would_run"][:MOST_LINES]:
        yield (
            f"{each.request} {in_words(each.tool)}: {HEARD[each.heard]}: {visible(each.by)}, "
            f"{_day(each.at)}; runs by {each.after}"
        )


def _by(tally: Tally, heard: str) -> str:
    found = [(name, count) for (what, name), count in people(tally) if what == heard]
    told = ", ".join(f"{visible(name)} {count:,}" for name, count in found[:MOST_LINES])
    return f": {told}" if told else ""


def _differences(what: str, sides: Mapping[str, Counter[str]]) -> Iterator[str]:
    names = sorted({*sides["before"], *sides["after"]})
    for name in names:
        old, new = sides["before"][name], sides["after"][name]
        if old != new:
            yield f"{what} {visible(name.replace('>', ' past '))}: {new:,} instead of {old:,}"


def _pairs(found: Counter[str]) -> list[tuple[tuple[str, str], int]]:
    pairs = []
    for key, count in found.most_common():
        name, _, kind = key.rpartition(">")
        pairs.append(((name, kind), count))
    return pairs


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"
