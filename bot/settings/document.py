"""What was read of the configuration, and what its sections must have to do with each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pydantic import SecretStr

from countersign.approvals.forms.sentences import nearest
from countersign.approvals.models import Stage
from countersign.approvals.models.delegations import cycle
from countersign.approvals.rules.approvers import OWNER_ROLE, asked_in_words, is_asked_by
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.tool_rules import Rule
from countersign.bot.http.settings import LimitsSettings
from countersign.bot.settings.directory import DirectorySettings, directory_problems
from countersign.bot.settings.people import token_problems
from countersign.bot.settings.production import (
    insecure_limits,
    insecure_model,
    insecure_section,
    insecure_tokens,
    insecure_url,
    insecure_workflows,
)
from countersign.bot.settings.sections import ModelSettings, PersonSettings, WorkflowsSection
from countersign.bot.settings.sign_in import SignInSettings
from countersign.bot.settings.systems import channel_problems, is_asked
from countersign.connectors.directories import GroupGrant
from countersign.connectors.system import Configured, Situation


@dataclass(frozen=True)
class Document:
    """The sections that can be read; what is wrong in the others is known already."""

    local: bool
    public_url: str
    people: tuple[PersonSettings, ...]
    tokens: dict[str, SecretStr]
    systems: tuple[Configured, ...]
    has_all_systems: bool
    """Whether none of their sections is wrong."""
    limits: LimitsSettings
    directory: DirectorySettings | None = None
    policy: Policy | None = None
    asks_for_text: bool = False
    """Whether the policy says who answers free text."""
    model: ModelSettings | None = None
    sign_in: SignInSettings | None = None
    workflows: WorkflowsSection | None = field(default=None, repr=False)


def _tokens(document: Document) -> Iterator[str]:
    yield from token_problems(document.tokens, local=document.local)


def _quorums(document: Document) -> Iterator[str]:
    """Rules that fewer people than are needed could approve."""
    rules = document.policy.entries if document.policy else {}
    elsewhere = document.directory.roles() if document.directory else frozenset[str]()
    for where, rule in rules.items():
        for stage in rule.tiers():
            if stage.on_call or elsewhere.intersection(stage.roles):  # only a directory knows
                continue
            holders = [p.id for p in document.people if is_asked_by(p.principal(), stage)]
            if OWNER_ROLE not in stage.roles and len(holders) < stage.quorum:
                yield (
                    f"{where}: needs {stage.quorum} of {asked_in_words(stage)}, "
                    f"but people has {len(holders)} {_such(stage)}; nobody could approve it."
                )
            else:
                yield from _never_reached(where, rule, stage, len(holders))
            unknown = sorted(set(stage.people) - {person.id for person in document.people})
            for name in unknown if document.directory is None else ():
                yield f"{where}: asks {name}, and nobody in `people` has this id."


def _schedules(document: Document) -> Iterator[str]:
    """Schedules that rules name and nobody reads; people and roles of schedules that are not."""
    known = document.directory.schedules if document.directory else {}
    rules = document.policy.entries if document.policy else {}
    for where, rule in rules.items():
        for number, stage in enumerate(rule.tiers()):
            place = f"{where}.stages.{number}.on_call" if rule.stages else f"{where}.on_call"
            for name in stage.on_call:
                if name not in known:
                    meant = nearest(name, known)
                    hint = f"did you mean {meant}?" if meant else "add it to directory.schedules."
                    yield f"{place}: there is no schedule {name}; {hint}"
    ids = {person.id for person in document.people}
    elsewhere = document.directory.roles() if document.directory else frozenset[str]()
    roles = elsewhere.union(*(person.all_roles for person in document.people))
    from_elsewhere = bool(document.directory and document.directory.sections())
    for name, schedule in known.items():
        where = f"directory.schedules.{name}"
        for text, person in {} if from_elsewhere else schedule.people.items():
            if person not in ids:
                meant = nearest(person, ids)
                hint = f"did you mean {meant}?" if meant else "write an id of `people`."
                yield f"{where}.people.{text}: there is nobody {person}; {hint}"
        for role in schedule.otherwise:
            if role not in roles:
                meant = nearest(role, roles)
                hint = f"did you mean {meant}?" if meant else "give it to somebody."
                yield f"{where}.otherwise: nobody has the role {role}; {hint}"


def _promotions(document: Document) -> Iterator[str]:
    """Roles that rollouts name and nobody has: nobody could promote or demote the rule."""
    elsewhere = document.directory.roles() if document.directory else frozenset[str]()
    roles = elsewhere.union(*(person.all_roles for person in document.people))
    for where, rule in (document.policy.entries if document.policy else {}).items():
        for role in () if rule.rollout is None else rule.rollout.accepted_by:
            if role not in roles:
                meant = nearest(role, roles)
                hint = f"did you mean {meant}?" if meant else "give it to somebody in `people`."
                yield f"{where}.rollout.accepted_by: nobody has the role {role}; {hint}"


def _requesters(document: Document) -> Iterator[str]:
    """People whose requests canaries look like, and whom nobody knows."""
    if document.directory is not None and document.directory.sections():
        return
    ids = {person.id for person in document.people}
    for where, rule in (document.policy.entries if document.policy else {}).items():
        for number, each in enumerate(() if rule.canaries is None else rule.canaries.examples):
            if each.requester not in ids:
                meant = nearest(each.requester, ids)
                hint = f"did you mean {meant}?" if meant else "write an id of `people`."
                place = f"{where}.canaries.examples.{number}.requester"
                yield f"{place}: there is nobody {each.requester}; {hint}"


def _never_reached(where: str, rule: Rule, stage: Stage, holders: int) -> Iterator[str]:
    """Numbers that so few people never come to."""
    asked, has = asked_in_words(stage), f"people has {holders} {_such(stage)}"
    if rule.rejects.needed > holders and OWNER_ROLE not in stage.roles:
        yield (
            f"{where}.rejects.needed: {rule.rejects.needed} rejections of {asked} are never "
            f"reached, as {has}; write at most {holders}."
        )
    alone = len(rule.tiers()) == 1 and stage.quorum == 1
    if rule.edits.second_person_above is not None and alone and holders < 2:
        yield (
            f"{where}.edits.second_person_above: a changed call would need 2 of {asked}, but "
            f"{has}; nobody could approve it. Give the role to somebody else, too."
        )
    if rule.edits.without_editor_above is not None and len(rule.tiers()) == 1:
        if holders <= stage.quorum:
            others = "another one" if stage.quorum == 1 else f"{stage.quorum} others"
            yield (
                f"{where}.edits.without_editor_above: a call that one of {asked} has changed would "
                f"need {others} of them, but {has}; nobody could approve it. Give the role to "
                "somebody else, too."
            )


def _such(stage: Stage) -> str:
    return "with such a role" if not (stage.groups or stage.people) else "whom it asks"


def _channels(document: Document) -> Iterator[str]:
    if document.policy is not None and document.has_all_systems:
        elsewhere = document.directory.roles() if document.directory else frozenset[str]()
        people = document.people
        yield from channel_problems(document.policy, document.systems, people, elsewhere)


def _delegations(document: Document) -> Iterator[str]:
    """People who stand in for one another in a circle, or for nobody's roles."""
    people = {person.id: person for person in document.people}
    given = [each for person in document.people for each in person.delegations()]
    for number, person in enumerate(document.people):
        for place, each in enumerate(person.delegations()):
            where = f"people.{number}.delegates.{place}"
            if each.delegate not in people:
                meant = nearest(each.delegate, people)
                hint = f"did you mean {meant}?" if meant else "write an id of `people`."
                yield f"{where}.to: there is nobody {each.delegate}; {hint}"
            if each.delegate == person.id:
                yield f"{where}.to: nobody stands in for themselves."
            if missing := sorted((each.roles or frozenset()) - person.all_roles):
                yield f"{where}.roles: {person.id} does not hold the role {missing[0]}."
    if circle := cycle([each for each in given if each.giver != each.delegate]):
        yield f"people: {' → '.join(circle)} stand in for one another in a circle; take one out."


def _domains(document: Document) -> Iterator[str]:
    """Roles and readers of domains that the policy does not have."""
    if document.policy is None:
        return
    known = document.policy.document.domains
    sections = document.directory.sections() if document.directory else {}
    for where, names in (
        *((f"people.{n}", _named(p)) for n, p in enumerate(document.people)),
        *(
            (f"directory.{name}.groups.{group}", _named(grant))
            for name, section in sections.items()
            for group, grant in section.groups.items()
        ),
    ):
        for name in sorted(names - set(known)):
            meant = nearest(name, known)
            hint = f"did you mean {meant}?" if meant else "add it to policy.domains."
            yield f"{where}: there is no domain {name}; {hint}"


def _named(person: PersonSettings | GroupGrant) -> set[str]:
    of_roles = {name for entry in person.limited for name in entry.domains or ()}
    return {*person.domains, *of_roles}


def _directories(document: Document) -> Iterator[str]:
    if document.has_all_systems:
        yield from directory_problems(document.directory, {s.name for s in document.systems})


def _systems(document: Document) -> Iterator[str]:
    """What each system says of its own settings."""
    ids, policy = frozenset(person.id for person in document.people), document.policy
    for each in document.systems:
        here = policy is not None and each.name in policy.text_channels
        free_text = document.asks_for_text and here
        asked = policy is not None and is_asked(policy, each.name, free_text=free_text)
        yield from each.problems(Situation(local=document.local, people=ids, asked=asked))


def _production(document: Document) -> Iterator[str]:
    """What only one's own machine may do."""
    if document.local:
        return
    yield from insecure_url("public_url", document.public_url)
    yield from insecure_tokens(document.tokens)
    for each in document.systems:
        yield from insecure_section(each.system.path, each.settings)
    if document.directory is not None:
        yield from insecure_section("directory", document.directory)
        if document.directory.entra is not None:
            yield from insecure_url("directory.entra.graph_url", document.directory.entra.graph_url)
            yield from insecure_url("directory.entra.login_url", document.directory.entra.login_url)
    if document.sign_in is not None:
        yield from insecure_section("sign_in", document.sign_in)
    if document.model is not None:
        yield from insecure_model(document.model)
    yield from insecure_limits(document.limits)
    if document.workflows is not None:
        yield from insecure_workflows(document.workflows.settings)


CROSS_CHECKS: tuple[Callable[[Document], Iterator[str]], ...] = (
    _tokens,
    _quorums,
    _schedules,
    _promotions,
    _requesters,
    _channels,
    _directories,
    _domains,
    _delegations,
    _systems,
    _production,
)
OF_RULES = (_quorums, _schedules, _promotions, _requesters, _channels, _domains, _delegations)
"""Those that say nothing of a server."""


def cross_problems(document: Document, *, complete: bool = True) -> list[str]:
    """Everything that does not fit, each with its path; without `complete` only what rules and
    people have to do with each other."""
    checks = CROSS_CHECKS if complete else OF_RULES
    return [problem for check in checks for problem in check(document)]
