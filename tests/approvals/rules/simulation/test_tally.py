"""Two policies over the same calls, counted."""

from __future__ import annotations

import json
from datetime import timedelta

from countersign.approvals.rules.simulation.recorded import Heard
from countersign.approvals.rules.simulation.tally import SHOWN, Tally
from tests.approvals.rules.simulation.calls import ASKS, NOON, recorded, tallied

ASKED = {"tools": {"pay": ASKS}}
ALLOWED = {"tools": {"pay": "allow"}}


def test_what_people_said_of_calls_that_they_would_not_be_asked_about() -> None:
    calls = [
        recorded(1),
        recorded(2, Heard.CHANGED, by="Cara"),
        recorded(3, Heard.REJECTED),
        recorded(4, Heard.REVOKED, by="Cara"),
        recorded(5, Heard.EXPIRED),
    ]
    tally = tallied(ASKED, ALLOWED, *calls)

    assert {"require_approval>allow": 5} == tally.effects
    assert {"approved": 1, "changed": 1, "rejected": 1, "revoked": 1, "expired": 1} == tally.spared
    assert {
        "approved:Ben": 1,
        "changed:Cara": 1,
        "rejected:Ben": 1,
        "revoked:Cara": 1,
    } == tally.spared_people
    assert {"rejected": 1, "revoked": 1} == tally.would_run
    assert 2 == tally.against
    assert ["R-3", "R-4"] == [each.request for each in tally.samples["would_run"]]
    assert ["R-2", "R-3", "R-4", "R-5"] == [each.request for each in tally.samples["spared"]]


def test_a_no_that_the_present_rules_pass_over_as_well_is_told_apart() -> None:
    tally = tallied(ALLOWED, ALLOWED, recorded(1, Heard.REJECTED))

    assert {"now:rejected": 1} == tally.would_run
    assert 1 == tally.against
    assert not tally.spared


def test_a_no_that_people_would_be_asked_again_or_that_is_denied_does_not_count() -> None:
    no = recorded(1, Heard.REJECTED)

    assert 0 == tallied(ALLOWED, ASKED, no).against
    assert 0 == tallied(ASKED, {"tools": {"pay": "deny"}}, no).against
    assert [] == tallied(ASKED, ASKED, no).samples["newly_asked"]


def test_who_is_asked_by_which_rule_on_which_day() -> None:
    two = {**ASKS, "stages": [{"roles": ["manager"], "quorum": 2}, {"people": ["root"]}]}
    del two["roles"]
    calls = [recorded(1), recorded(2, at=NOON + timedelta(days=1)), recorded(3, tool="other")]
    tally = tallied(ASKED, {"tools": {"pay": two}}, *calls)

    assert {"manager": 2} == tally.asked["before"]
    assert {"manager": 4, "root": 2} == tally.asked["after"]
    assert {"2026-03-02": 1, "2026-03-03": 1} == tally.days["after"]
    assert {"tools.pay>require_approval": 2, "unknown-tool>deny": 1} == tally.rules["after"]


def test_calls_that_people_will_be_asked_about_are_named_up_to_a_bound() -> None:
    calls = [recorded(n, Heard.NOBODY, ran=True) for n in range(1, SHOWN + 3)]
    tally = tallied(ALLOWED, ASKED, *calls)

    assert SHOWN == len(tally.samples["newly_asked"])
    assert {"allow>require_approval": SHOWN + 2} == tally.effects


def test_limits_of_budgets_that_are_passed() -> None:
    budget = {"tool": "pay", "window": "day", "zone": "UTC", "count": {"soft": 1, "hard": 2}}
    policy = {"tools": {"pay": "allow"}, "budgets": {"daily": {**budget, "roles": ["controller"]}}}
    tally = tallied(ALLOWED, policy, *(recorded(n) for n in (1, 2, 3)))

    assert {"daily>soft": 1, "daily>hard": 1} == tally.budgets["after"]
    assert {"controller": 1} == tally.asked["after"]
    assert not tally.budgets["before"]


def test_what_the_new_rules_would_have_brought_while_people_took_their_time() -> None:
    slow = {
        **ASKS,
        "deadline": "5h",
        "remind": ["1h"],
        "escalate": [{"after": "3h", "roles": ["boss"]}],
    }
    calls = [
        recorded(1, waited_h=0.5),
        recorded(2, waited_h=2),
        recorded(3, Heard.REJECTED, waited_h=4),
        recorded(4, waited_h=6),
        recorded(5, Heard.EXPIRED),
    ]
    tally = tallied(ASKED, {"tools": {"pay": slow}}, *calls)
    without = tallied(slow_less := {"tools": {"pay": ASKS}}, slow_less, *calls)

    assert {"decided": 4, "remind": 3, "escalate": 2, "expired": 1} == tally.late
    assert {"decided": 4, "remind": 0, "escalate": 0, "expired": 0} == without.late


def test_a_tally_goes_on_from_what_was_kept_of_it() -> None:
    calls = [recorded(1), recorded(2, Heard.REJECTED), recorded(3, Heard.CHANGED)]
    whole = tallied(ASKED, ALLOWED, *calls)
    kept = json.loads(json.dumps(tallied(ASKED, ALLOWED, *calls[:2]).body()))
    again = Tally.of(kept, {})
    rest = tallied(ASKED, ALLOWED, calls[2])

    assert again.effects + rest.effects == whole.effects
    assert again.samples["would_run"] == whole.samples["would_run"]
    assert Tally.of(whole.body(), {}).body() == whole.body()
