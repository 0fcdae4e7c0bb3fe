"""The planner and the provisioner of the IT change, as a careful model would play them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from countersign.sandbox.openai.conversation import Conversation, Reply, Say
from countersign.sandbox.openai.scripts.it_language import FIREWALL, Wish, wish
from countersign.sandbox.openai.scripts.it_words import (
    against_policy,
    done,
    escalated,
    nothing_done,
    plain,
    plan_lines,
)
from countersign.sandbox.openai.scripts.outcomes import (
    Outcome,
    call,
    read,
    temporary,
    together,
    why_not,
)

GUARDED = ("provision", "change_firewall")
MAX_PROPOSALS = 3
_ROOM_ELSEWHERE = re.compile(r"([a-z]+(?:-[a-z]+)*) \((\d+) free\)")
_LEFT = re.compile(r": (\d+) \w+ left")
_OWN_FIXES = {"name", "unit", "monthly_cost_eur", "window"}


@dataclass(frozen=True)
class Checked:
    """One answer of the policy check, with the plan that was asked about."""

    tool: str
    plan: Mapping[str, Any]
    reasons: Sequence[str]
    alternative: Mapping[str, Any] | None

    @property
    def allowed(self) -> bool:
        """Whether the plan may be proposed."""
        return not self.reasons


def planner(conversation: Conversation) -> Reply:
    """Look up, plan, have the plan checked, and tell the provisioner."""
    asked = wish(conversation.task)
    if asked.kind is None:
        return Say("The task names nothing that I can plan: a database, a laptop, an open port ...")
    lookups = conversation.results_of("lookup_catalog")
    if not lookups:
        reason = "I need prices, regions and the policy."
        return together(call(conversation, "lookup_catalog", reason, kind=asked.kind))
    found = read(lookups[-1])
    catalog = found.result if isinstance(found.result, Mapping) else None
    if catalog is None:
        return Say(f"The catalogue could not be read: {why_not(found) or 'unexpected answer'}.")
    checks = _checks(conversation)
    if not checks:
        plan = _port_plan(asked, catalog) if asked.kind == FIREWALL else _plan(asked, catalog)
        if isinstance(plan, str):
            return Say(plan)
        tool = "change_firewall" if asked.kind == FIREWALL else "provision"
        return _check(conversation, tool, plan)
    last = checks[-1]
    if not last.allowed and last.alternative is not None and len(checks) == 1:
        own = _OWN_FIXES if asked.day is None else _OWN_FIXES - {"window"}
        if _changed(last.plan, last.alternative) <= own:
            return _check(conversation, last.tool, last.alternative)
    return Say(plan_lines(last.plan) if last.allowed else against_policy(last))


def provisioner(conversation: Conversation) -> Reply:
    """Propose what was checked, follow the decision or the failure once, and report."""
    checks = _checks(conversation)
    proposals = [(one.name, read(one)) for one in conversation.tool_results if one.name in GUARDED]
    incidents = conversation.results_of("open_incident")
    if not checks:
        return Say(_without_a_plan(conversation))
    if incidents:
        return Say(escalated(proposals[-1][1], read(incidents[-1])))
    if not proposals:
        if not checks[-1].allowed:
            return Say(against_policy(checks[-1]))
        return _propose(conversation, checks[-1], _first_reason(conversation))
    tool, last = proposals[-1]
    if last.executed:
        return Say(done(tool, last))
    if _is_newer(conversation, "check_policy", tool):
        return _after_the_check(conversation, checks[-1], last)
    if last.status == "rejected":
        return _follow(conversation, tool, [one for _, one in proposals])
    if last.status == "drift" and last.retry and len(proposals) < MAX_PROPOSALS:
        return _propose(conversation, checks[-1], f"Proposed again: {last.words}")
    if last.status == "failed" and not _is_a_no(last):
        return _recover(conversation, checks[-1], [one for _, one in proposals])
    return Say(nothing_done(last))


def _checks(conversation: Conversation) -> list[Checked]:
    found = []
    for one in conversation.results_of("check_policy"):
        answer = read(one).result
        given = one.arguments.get("arguments")
        if isinstance(answer, Mapping) and "allowed" in answer and isinstance(given, Mapping):
            tool = str(one.arguments.get("tool"))
            found.append(Checked(tool, given, answer["reasons"], answer["alternative"]))
    return found


def _is_newer(conversation: Conversation, first: str, second: str) -> bool:
    """Whether the latest answer of the tool `first` came after the latest one of `second`."""
    names = [one.name for one in conversation.tool_results][::-1]
    return names.index(first) < names.index(second)


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    return {key for key in other if one.get(key) != other[key]}


def _check(conversation: Conversation, tool: str, plan: Mapping[str, Any]) -> Reply:
    reason = "The plan has to fit the policy before anybody is asked."
    return together(call(conversation, "check_policy", reason, tool=tool, arguments=dict(plan)))


def _propose(conversation: Conversation, checked: Checked, reason: str) -> Reply:
    return together(call(conversation, checked.tool, reason, **checked.plan))


def _first_reason(conversation: Conversation) -> str:
    asked = conversation.task.strip().rstrip(".")
    return f"The request was \u201c{asked}\u201d. The plan was checked and is within the IT policy."


def _without_a_plan(conversation: Conversation) -> str:
    said = next(
        (str(m.get("content") or "") for m in reversed(conversation.messages) if m.get("content")),
        "",
    )
    return f"Nothing was provisioned. {said}"


def _plan(asked: Wish, catalog: Mapping[str, Any]) -> dict[str, Any] | str:
    """Every argument of `provision`; or what is unclear."""
    if not catalog["offers"]:
        return f"The catalogue has no {asked.kind}."
    offer, policy = catalog["offers"][0], catalog["policy"]
    environment = asked.environment or next(iter(policy["max_size"]))
    team = asked.team or "it"
    size = asked.size or int(offer["usual_size"])
    taken = {one["name"] for one in catalog["resources"]}
    pattern = policy["names"].get(environment) or next(iter(policy["names"].values()))
    first = pattern.replace("<owner_team>", team)
    name = next(n for n in (first, *(f"{first}-{i:02}" for i in range(2, 100))) if n not in taken)
    return {
        "kind": asked.kind,
        "name": name,
        "environment": environment,
        "size": size,
        "unit": offer["unit"],
        "region": asked.region or policy["regions"][0],
        "owner_team": team,
        "monthly_cost_eur": round(size * float(offer["eur_per_unit_month"]), 2),
        "window": _window(policy, environment, asked.day),
        "rollback": "Take it back into stock."
        if asked.kind == "laptop"
        else f"Delete {name}; nothing uses it yet.",
    }


def _port_plan(asked: Wish, catalog: Mapping[str, Any]) -> dict[str, Any] | str:
    """Every argument of `change_firewall`; or what is unclear."""
    if asked.port is None or asked.source is None or asked.target is None:
        return 'Say it like this: "open port 443 from the web tier to billing-db".'
    target = next((one for one in catalog["resources"] if one["name"] == asked.target), None)
    environment = target["environment"] if target else asked.environment or "dev"
    return {
        "source": asked.source,
        "target": asked.target,
        "port": asked.port,
        "protocol": "tcp",
        "environment": environment,
        "owner_team": target["owner_team"] if target else asked.team or "it",
        "window": _window(catalog["policy"], environment, asked.day),
        "rollback": f"Remove the rule; port {asked.port} was shut before.",
    }


def _window(policy: Mapping[str, Any], environment: str, day: str | None) -> str:
    windows: list[str] = policy["windows"].get(environment) or policy["windows"]["elsewhere"]
    return next((one for one in windows if day and one.startswith(day)), windows[0])


def _follow(conversation: Conversation, tool: str, proposals: Sequence[Outcome]) -> Reply:
    """A plan that follows the feedback, checked first; or the end."""
    last = proposals[-1]
    rejections = sum(one.status == "rejected" for one in proposals)
    asked = wish(last.words)
    plan = _revised(last.arguments, asked)
    if asked.stop or rejections > 1 or plan == dict(last.arguments):
        return Say(nothing_done(last))
    return _check(conversation, tool, plan)


def _revised(old: Mapping[str, Any], asked: Wish) -> dict[str, Any]:
    plan = dict(old)
    if "size" in plan:
        size = asked.size or (max(1, int(plan["size"]) // 2) if asked.smaller else None)
        if asked.environment and asked.environment != plan["environment"]:
            plan["environment"] = asked.environment
            plan["name"] = "to be named"  # the check gives it its name
        plan |= {"region": asked.region or plan["region"], "size": size or plan["size"]}
        if plan["size"] != old["size"]:
            per_unit = float(old["monthly_cost_eur"]) / int(old["size"])
            plan["monthly_cost_eur"] = round(plan["size"] * per_unit, 2)
    else:
        plan |= {"port": asked.port or plan["port"], "source": asked.source or plan["source"]}
    windows = ("Sat 22:00-02:00 UTC", "Wed 20:00-22:00 UTC")
    if asked.day:
        plan["window"] = next(one for one in windows if one.startswith(asked.day))
    return plan


def _after_the_check(conversation: Conversation, checked: Checked, last: Outcome) -> Reply:
    """The revised plan is proposed if the policy allows it, or with what the policy puts right."""
    if not checked.allowed:
        own = {*_OWN_FIXES, "region"} if last.status == "failed" else _OWN_FIXES
        if checked.alternative and _changed(checked.plan, checked.alternative) <= own:
            return _check(conversation, checked.tool, checked.alternative)
        if last.status == "failed":
            return _escalate(conversation, last)
        return Say(f"{nothing_done(last)} {against_policy(checked)}")
    if last.status == "rejected":
        who = last.decided_by or "The IT manager"
        reason = f"{who} rejected the last plan: \u201c{last.words}\u201d. This one follows that."
    else:
        reason = (
            f"The approved plan could not be carried out: {plain(last).words}. "
            "This is an alternative."
        )
    return _propose(conversation, checked, reason)


def _is_a_no(last: Outcome) -> bool:
    """A person's edit broke the policy or the budget: that is for people, not for another try."""
    taken = "already" in last.words
    refused = "Against the IT policy" in last.words and not taken
    return refused or "most that was approved" in last.words


def _recover(conversation: Conversation, checked: Checked, proposals: Sequence[Outcome]) -> Reply:
    """After a failure: the same once more, an alternative, or the on-call."""
    last = proposals[-1]
    if len(proposals) >= MAX_PROPOSALS:
        return _escalate(conversation, last)
    plan = _elsewhere(last)
    if plan:
        return _check(conversation, checked.tool, plan)
    if temporary(last) and sum(temporary(one) for one in proposals) == 1:
        reason = f"The first attempt did not go through ({last.words}). I propose it once more."
        return _propose(conversation, checked, reason)
    return _escalate(conversation, last)


def _elsewhere(last: Outcome) -> dict[str, Any] | None:
    """The plan where there is room for it, or as much of it as there is room for."""
    old = last.arguments
    if "already" in last.words:
        return dict(old)  # the check knows a free name
    places = _ROOM_ELSEWHERE.findall(last.words)
    if places:
        near = str(old.get("region", "")).partition("-")[0]
        region = min(places, key=lambda place: not place[0].startswith(near))[0]
        return {**old, "region": region}
    left = _LEFT.search(last.words)
    if left is None or int(left[1]) < 1 or int(left[1]) >= int(old.get("size", 0)):
        return None
    return _revised(old, Wish(size=int(left[1])))


def _escalate(conversation: Conversation, last: Outcome) -> Reply:
    what = last.arguments.get("name") or f"port {last.arguments.get('port')}"
    details = f"{plan_lines(last.arguments)}\nWhat came back: {plain(last).words}."
    return together(
        call(
            conversation,
            "open_incident",
            "There is no alternative within the policy; a person has to look.",
            summary=f"{what} was approved and could not be provisioned",
            details=details,
        )
    )
