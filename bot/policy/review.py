"""What the rules say, compared with what there is: the tools of the workflows, and the people.

A rule may be well written and still be for a tool that no workflow has, or ask people of whom there
are not enough. `policy check` and `doctor` print what is found; `serve` logs it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from countersign.approvals.forms.sentences import nearest
from countersign.approvals.forms.systems import identity_kind
from countersign.approvals.forms.wording import people_in_words
from countersign.approvals.models import (
    Effect,
    Principal,
    PrincipalId,
    RequestKind,
    Reversibility,
    Stage,
    Value,
)
from countersign.approvals.ports import Directory
from countersign.approvals.rules.approvers import OWNER_ROLE, all_asked, asked_in_words
from countersign.approvals.rules.counterparty import with_parties
from countersign.approvals.rules.eligibility import Asked
from countersign.approvals.rules.ordered_rules import is_pattern
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.shortfall import Shortfall, shortfall
from countersign.approvals.rules.tool_rules import Rule

NOBODY = PrincipalId("")
"""Whoever asks is somebody else than all the people."""


class Finding(Value):
    """One thing that is wrong (`is_error`), or that may be meant so."""

    where: str
    says: str
    is_error: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.says}"


def against_tools(
    policy: Policy, tools: Mapping[str, Sequence[str]], *, complete: bool = True
) -> list[Finding]:
    """Rules without a tool and tools without a rule; `tools` are those of each workflow.

    Without `complete` some workflows could not be loaded, so a rule may be for a tool of theirs.
    """
    known = {tool for of_one in tools.values() for tool in of_one}
    found = [finding for name in sorted(tools) for finding in _without_rule(policy, name, tools)]
    if complete:
        unused = sorted(set(policy.tools) - known)
        found += [_without_tool(f"policy.tools.{name}", name, known, policy) for name in unused]
        several = [(f"rules.{rule.id}", rule.tool) for rule in policy.document.rules]
        several += [(f"budgets.{name}", b.tool) for name, b in policy.document.budgets.items()]
        for place, names in several:
            where = f"policy.{place}.tool"
            unused = [name for name in names if not fnmatch.filter(known, name)]
            found += [_without_tool(where, name, known, policy) for name in unused]
    for name, domain in policy.document.domains.items():
        for tool in sorted(domain.tools - known) if complete else ():
            where = f"policy.domains.{name}.tools"
            found.append(_without_tool(where, tool, known, policy))
        for workflow in sorted(domain.workflows - set(tools)) if complete else ():
            says = f"there is no workflow {workflow}; correct the name."
            found.append(Finding(where=f"policy.domains.{name}.workflows", says=says))
    return found


def against_arguments(policy: Policy) -> list[Finding]:
    """Conditions that are wrong for the arguments that their tools take, and rules that no call
    reaches; the policy must know the tools (`Policy.knowing`)."""
    return [Finding(where=f"policy.{where}", says=says) for where, says in policy.problems()]


def against_classes(policy: Policy, declared: Mapping[str, Reversibility]) -> list[Finding]:
    """Tools that the policy takes for milder than their workflow declares them."""
    order = list(Reversibility)
    return [
        Finding(
            where=f"policy.reversibility.{tool}",
            says=f"the workflow declares {tool} {declared[tool]}, and {said} is milder; the policy "
            "counts. Write it so that both say the same.",
            is_error=False,
        )
        for tool, said in policy.document.reversibility.items()
        if tool in declared and order.index(said) < order.index(declared[tool])
    ]


def against_bodies(policy: Policy, same: Iterable[frozenset[str]]) -> list[Finding]:
    """Names of one function under rules that differ; `same` are groups of tool names."""
    return [
        Finding(
            where="policy.tools",
            says=f"{' and '.join(sorted(names))} are one function; all of them take the strictest "
            "of their rules. Give them the same rule, or register the function once.",
            is_error=False,
        )
        for names in same
        if policy.strictest([names]) is not policy
    ]


def against_descriptions(
    undescribed: Mapping[str, Mapping[str, Sequence[str]]],
) -> list[Finding]:
    """Arguments, by workflow and tool, of which models and edit forms do not show what was
    written of them."""
    return [
        Finding(
            where=f"workflow {workflow}",
            says=f"what is written of {', '.join(names)} of its tool {tool} is not shown to the "
            "model: remove `from __future__ import annotations` from the module of the tool.",
            is_error=False,
        )
        for workflow, tools in undescribed.items()
        for tool, names in tools.items()
    ]


def against_people(
    policy: Policy,
    directory: Directory,
    asking: Mapping[tuple[str, str], tuple[str, ...]] | None = None,
    elsewhere: Collection[str] = (),
) -> list[Finding]:
    """Rules that too few different people, or nobody, can decide; and questions that nobody would
    answer, with the roles that user proxies name, by (workflow, proxy).

    Roles of `elsewhere` are held by people of whom only a directory knows.
    """
    found: list[Finding] = []
    for where, rule in policy.entries.items():
        known_later = {role for stage in rule.tiers() for role in stage.roles} & set(elsewhere)
        known_later |= {name for stage in rule.tiers() for name in stage.on_call}
        if rule.effect is Effect.REQUIRE_APPROVAL and not known_later:
            found += _Staffing(where, rule, directory).findings()
    roles = policy.rule_input_roles
    found += _unanswered("policy.human_input", roles, directory, elsewhere)
    for (workflow, proxy), named in (asking or {}).items():
        where = f"workflow {workflow}, user proxy {proxy}"
        found += _unanswered(where, named, directory, elsewhere)
    return found


def _unanswered(
    where: str, roles: tuple[str, ...], directory: Directory, elsewhere: Collection[str]
) -> Iterator[Finding]:
    known = {OWNER_ROLE, *elsewhere}
    held = [role for role in roles if role in known or directory.with_roles([role])]
    for role in roles:
        if role not in held:
            says = f"nobody has the role {role}; give it to somebody in `people`."
            yield Finding(where=where, says=says, is_error=not held)


def _without_rule(
    policy: Policy, workflow: str, tools: Mapping[str, Sequence[str]]
) -> Iterator[Finding]:
    for tool in tools[workflow]:
        if policy.rules_for(tool):
            continue
        unused = set(policy.tools) - {each for of_one in tools.values() for each in of_one}
        meant = nearest(tool, unused)
        hint = f"write one, `{tool}: deny` if that is meant."
        if meant:
            hint = f"did you mean it by the rule {meant}?"
        says = f"its tool {tool} has no rule, so every call of it will be denied; {hint}"
        yield Finding(where=f"workflow {workflow}", says=says)


def _without_tool(where: str, name: str, known: set[str], policy: Policy) -> Finding:
    if is_pattern(name):
        says = f"no workflow has a tool of the form {name}; check the pattern, or remove it."
        return Finding(where=where, says=says, is_error=False)
    meant = nearest(name, known)
    what = "this tool" if where == f"policy.tools.{name}" else f"a tool {name}"
    says = f"no workflow has {what}; "
    says += f"did you mean {meant}?" if meant else "remove the rule, or load the workflow."
    is_error = meant is not None and not policy.rules_for(meant)
    return Finding(where=where, says=says, is_error=is_error)


class _Staffing:
    """Looks at one rule."""

    def __init__(self, where: str, rule: Rule, directory: Directory):
        self._where, self._rule, self._directory = where, rule, directory
        self._stages = rule.tiers()

    def findings(self) -> list[Finding]:
        """Everything that keeps the rule from being decided, the worst first."""
        short = shortfall(self._asked(NOBODY), self._directory.people())
        if short is not None:
            worst = self._finding(f"nobody could approve it. {short.text}", is_error=True)
            return [worst, *self._roles(only_misspelt=True)]
        return [
            *self._roles(),
            *self._escalations(),
            *self._askers(),
            *self._parties(),
            *self._channels(),
        ]

    def _asked(self, requester: PrincipalId) -> Asked:
        return Asked(kind=RequestKind.TOOL, requester=requester, stages=self._stages)

    def _finding(self, says: str, *, is_error: bool = False) -> Finding:
        return Finding(where=self._where, says=says, is_error=is_error)

    def _roles(self, *, only_misspelt: bool = False) -> Iterator[Finding]:
        for role in dict.fromkeys(role for stage in self._stages for role in stage.roles):
            if role == OWNER_ROLE:
                yield self._finding("owner is whoever asked, and nobody approves their own call.")
            elif not self._directory.with_roles([role]):
                others = {r for person in self._directory.everybody() for r in person.roles}
                meant = nearest(role, others)
                hint = f"did you mean {meant}?" if meant else "give it to somebody in `people`."
                if meant or not only_misspelt:
                    yield self._finding(f"nobody has the role {role}; {hint}")
        everybody = self._directory.everybody()
        for group in dict.fromkeys(group for stage in self._stages for group in stage.groups):
            if not any(group in person.groups for person in everybody):
                yield self._finding(f"nobody is in the group {group}; put somebody into it.")

    def _escalations(self) -> Iterator[Finding]:
        """Escalations to nobody, or to nobody else for some who ask."""
        asked = {role for stage in self._stages for role in stage.roles}
        before = {person.id for person in self._directory.with_roles(sorted(asked))}
        for number, each in enumerate(self._rule.escalate):
            who, roles = self._directory.with_roles(each.roles), " or ".join(each.roles)
            fresh = [person for person in who if each.instead or person.id not in before]
            where = f"{self._where}.escalate.{number}"
            if not who:
                says = f"nobody has the role {roles}, so nobody is asked; give it to somebody."
                yield Finding(where=where, says=says)
            elif not fresh:
                said = "asks nobody else: whoever has the role {roles} is asked from the beginning."
                yield Finding(where=where, says=said.format(roles=roles), is_error=False)
            elif len(fresh) == 1:
                said = f"when {people_in_words(fresh)} asks, it reaches nobody else."
                yield Finding(where=where, says=said, is_error=False)

    def _askers(self) -> Iterator[Finding]:
        """People who, when they ask, leave too few others."""
        everybody = self._directory.people()
        mine = [frozenset(p.id for p in all_asked(everybody, stage)) for stage in self._stages]
        verdicts: dict[tuple[bool, ...], Shortfall | None] = {}  # whom the same stages ask is alike
        stuck: list[tuple[Principal, Shortfall]] = []
        for person in everybody.everybody():
            asked = tuple(person.id in each for each in mine)
            if not any(asked):
                continue
            if asked not in verdicts:
                verdicts[asked] = shortfall(self._asked(person.id), everybody)
            if (short := verdicts[asked]) is not None:
                stuck.append((person, short))
        if stuck:
            who = people_in_words([person for person, _ in stuck])
            yield self._finding(f"when {who} asks, nobody can decide it. {stuck[0][1].text}")

    def _parties(self) -> Iterator[Finding]:
        """People without whom too few are left, when the call is with them."""
        everybody = self._directory.people()
        asked = {p.id: p for stage in self._stages for p in all_asked(everybody, stage)}
        ask = self._asked(NOBODY)
        for person in asked.values() if self._rule.counterparty else ():
            stages = with_parties(self._stages, [person.id])
            short = shortfall(ask.model_copy(update={"stages": stages}), everybody)
            if short is not None:
                who = people_in_words([person])
                yield self._finding(
                    f"when a call is with {who}, nobody can decide it. {short.text}"
                )

    def _channels(self) -> Iterator[Finding]:
        for channel in self._rule.channels:
            kind = identity_kind(channel) or channel
            for stage in self._stages:
                yield from self._reached(channel, kind, stage)

    def _reached(self, channel: str, kind: str, stage: Stage) -> Iterator[Finding]:
        holders = all_asked(self._directory.people(), stage)
        out = [person for person in holders if not person.identities.get(kind)]
        if out and len(holders) - len(out) < stage.quorum:
            who, needed = people_in_words(out, conjunction="and"), asked_in_words(stage)
            yield self._finding(
                f"is asked in {channel}, but {who} ({needed}) cannot be asked there: add "
                f"`identities: {{{kind}: …}}` in `people`; until then only the API is left."
            )
