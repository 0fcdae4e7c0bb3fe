"""Who decides, in words: the people that a stage asks, and those whom an edit brings in. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import cut_visibly, in_words, people_in_words, visible
from countersign.approvals.models import Principal, Request, Stage, StageProgress, Verdict, Vote
from countersign.approvals.rules.approvers import asked_in_words
from countersign.approvals.rules.tiers import needs_more
from countersign.approvals.rules.timing import ruled_stages

NAMED_VALUES = 2
VALUE_SHOWN = 60


def stage_in_words(stage: Stage) -> str:
    """`manager or controller`, `somebody of the group finance`, `alex`."""
    groups = [f"somebody of the group {visible(group)}" for group in stage.groups]
    roles = [visible(role).replace("_", " ") for role in stage.roles]
    on_call = [f"whoever is on call for {visible(name)}" for name in stage.on_call]
    return " or ".join([*roles, *groups, *map(visible, stage.people), *on_call])


def stages_in_words(stages: Sequence[Stage]) -> str:
    """`2 of manager, then 1 of legal and 1 of controller, then 1 of cfo`."""
    said = ""
    for number, stage in enumerate(stages):
        together = number > 0 and stages[number - 1].parallel and stage.parallel
        said += "" if not said else " and " if together else ", then "
        said += f"{stage.quorum} of {asked_in_words(stage)}"
    return said


def step_in_words(step: StageProgress) -> str:
    """`manager: approved by Ben; 1 more is needed, from Cara or Dave`."""
    said = [f"{_verb(vote)} by {visible(vote.name)}" for vote in step.votes]
    if step.missing:
        more = "1 more is" if step.missing == 1 else f"{step.missing} more are"
        when = "" if step.is_open else ", once the steps before are through"
        who = f", from {people_in_words(step.could)}" if step.could else ", and nobody could"
        said.append(f"{more if step.votes else more.replace(' more', '')} needed{who}{when}")
    return f"{stage_in_words(step.stage)}: {'; '.join(said)}"


def _verb(vote: Vote) -> str:
    return "rejected" if vote.verdict is Verdict.REJECT else "approved"


def others_as_well(before: Request, after: Request) -> str:
    """Who has to decide as well once the arguments are those of `after`; "" if nobody has to.

    `With amount 12000 the controller decides as well.`
    """
    more = needs_more(ruled_stages(before), ruled_stages(after))
    if not more:
        return ""
    said = " and ".join(_decides(stage, asked) for stage, asked in more)
    return f"With {_values(before, after)} {said}."


def left_to_others(before: Request, after: Request, others: Sequence[Principal]) -> str:
    """That whoever makes this of it decides nothing of it, as they are told beforehand.

    `With amount 12000 Clara can decide it, and you cannot: …`
    """
    return (
        f"With {_values(before, after)} {people_in_words(others)} can decide it, and you cannot: "
        "its rule keeps out who makes such a change."
    )


def _decides(stage: Stage, asked: int) -> str:
    who = stage_in_words(stage)
    the = "the " if stage.roles else ""
    if asked:
        return f"{stage.quorum} people have to approve as {who}, not {asked}"
    if stage.quorum > 1:
        return f"{stage.quorum} people decide as {who} as well"
    return f"{the}{who} decides as well"


def _values(before: Request, after: Request) -> str:
    """The changed arguments: `amount 12000 and currency USD`."""
    changed = [
        f"{in_words(name).lower()} {_value(after, name)}"
        for name in after.arguments
        if canonical_json([before.arguments.get(name)]) != canonical_json([after.arguments[name]])
    ]
    return " and ".join(changed) if 0 < len(changed) <= NAMED_VALUES else "these arguments"


def _value(request: Request, name: str) -> str:
    return cut_visibly(value_text(request.arguments[name]), VALUE_SHOWN)
