"""Who decides, who has voted, and, folded away, the rule and the names of it all elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from countersign.approvals.forms.on_call import on_call_words
from countersign.approvals.forms.times import coming, happened, then, zone_of
from countersign.approvals.forms.wording import cut_visibly, people_in_words
from countersign.approvals.models import (
    JsonObject,
    RequestStatus,
    StageProgress,
    Verdict,
    Vote,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.approvers import approvers
from countersign.approvals.rules.deciding import stages_in_words, step_in_words
from countersign.bot.teams.elements import (
    facts,
    label,
    moment,
    moment_in,
    plain,
    sentence,
    words,
)
from countersign.bot.teams.parts import NAME_LIMIT

DIGEST_SHOWN = 12
REASON_LIMIT = 300
VOTES_SHOWN = 5


def who_decides(view: RequestView, away: Sequence[JsonObject] | None = None) -> list[JsonObject]:
    """Who can decide, by name, until when, and what happens if nobody does; and the details, or
    what else is `away`."""
    request = view.request
    if request.status is not RequestStatus.PENDING:
        return details(view)
    if request.expires_at is None:
        text = "It waits until somebody decides; nothing runs before."
    else:
        until = _told(request.expires_at, zone_of(request))
        text = f"Until {until}; if nobody does, {then(request)}."
    said = [_deciders(view)] if 0 <= request.stage < len(request.stages) else []
    said += steps(view.steps) if request.stages[1:] else []
    said += [words(on_call_words(each, _told), spacing="None") for each in view.on_call]
    around = (happened(request, _told), text, coming(request, _told))
    said += [words(each, spacing="None", isSubtle=True) for each in around if each]
    toggle, hidden = away or details(view)
    columns = [
        {"type": "Column", "width": "stretch", "items": said},
        {
            "type": "Column",
            "width": "auto",
            "items": [toggle],
            "verticalContentAlignment": "Center",
        },
    ]
    return [
        {"type": "ColumnSet", "separator": True, "spacing": "Medium", "columns": columns},
        hidden,
    ]


def _told(at: datetime, zone: str) -> str:
    """A time for the reader, and where the rule's calendar is."""
    return moment_in(at, zone) if zone else moment(at)


def _deciders(view: RequestView) -> JsonObject:
    request = view.request
    now = [request.stages[number] for number in request.open_stages]
    who = people_in_words(view.eligible) if view.eligible else f"Nobody else with {approvers(now)}"
    quorum = sum(stage.quorum for stage in now)
    given = sum(vote.stage in request.open_stages for vote in _counted(view))
    first, last = request.step + 1, request.open_stages[-1] + 1
    which = f"step {first}" if first == last else f"steps {first} to {last}, in any order,"
    after = f", {which} of {len(request.stages)}" if request.stages[1:] else ""
    if quorum > 1:
        after = f" ({given} of {quorum} approvals so far{after})"
    can = " can decide" if quorum == 1 else f" can decide; {quorum} have to"
    return sentence(("bold", who), f"{can}{after}.")


def steps(of: Sequence[StageProgress]) -> list[JsonObject]:
    """A line for each stage: who has voted, what is still needed, and who could give it."""
    return [_step(step) for step in of]


def _step(step: StageProgress) -> JsonObject:
    done = not step.missing
    mark = "✓" if done else "▸" if step.is_open else "○"
    text = cut_visibly(step_in_words(step), REASON_LIMIT)
    return {
        **sentence(f"{mark} Step {step.number + 1}, ", ("plain", text)),
        "spacing": "Small",
    }


def details(view: RequestView) -> list[JsonObject]:
    """The rule and the names of it all elsewhere, folded away."""
    request = view.request
    reason = f": {request.reason}" if request.reason else ""
    revision = f", revision {request.revision}" if request.revision > 1 else ""
    rows: list[tuple[str, JsonObject]] = [
        ("Tool", plain(cut_visibly(request.tool, NAME_LIMIT))),
        ("Rule", plain(cut_visibly(f"{request.rule_id}{reason}", REASON_LIMIT))),
        *(
            [("Who may decide", plain(cut_visibly(stages_in_words(request.stages), REASON_LIMIT)))]
            * bool(request.stages)
        ),
        ("Workflow", plain(f"{view.session.workflow}, session {view.session.id}")),
        ("Request", plain(f"{request.id}{revision}")),
        ("Digest", plain(request.digest[:DIGEST_SHOWN], monospace=True)),
        ("Policy", plain(request.policy_version[:DIGEST_SHOWN], monospace=True)),
    ]
    return folded(facts(rows))


def folded(items: Sequence[JsonObject]) -> list[JsonObject]:
    """A button, and what it shows and hides."""
    toggle = {
        "type": "Action.ToggleVisibility",
        "title": "Details",
        "targetElements": ["details"],
    }
    return [
        {"type": "ActionSet", "actions": [toggle], "spacing": "Small"},
        {"type": "Container", "id": "details", "isVisible": False, "items": list(items)},
    ]


def _counted(view: RequestView) -> list[Vote]:
    revision = view.request.revision
    return [v for v in view.votes if v.revision == revision and v.verdict is not Verdict.REJECT]


def votes(view: RequestView) -> list[JsonObject]:
    """Who has voted so far, if that alone did not decide it."""
    cast = [vote for vote in view.votes if vote.revision == view.request.revision]
    if not cast or view.request.status is not RequestStatus.PENDING:
        return []
    return [
        label("Votes so far"),
        *(
            plain(f"{vote.name}: {vote.verdict}, {vote.at:%Y-%m-%d %H:%M} UTC")
            for vote in cast[-VOTES_SHOWN:]
        ),
    ]
