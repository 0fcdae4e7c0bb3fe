"""The parts that approval and outcome cards share: who asks, what, why, and the small print."""

from __future__ import annotations

from dataclasses import dataclass

from approvals.models import JsonObject, Request, RequestStatus, Risk, Verdict, Vote
from approvals.ports import RequestView
from approvals.wording import cut, in_words
from bot.teams.arguments import Space, arguments_table
from bot.teams.elements import (
    Flavour,
    facts,
    heading,
    label,
    moment,
    plain,
    sentence,
    words,
)

DIGEST_SHOWN = 12
RATIONALE_LIMIT = 1500
REASON_LIMIT = 300
NAME_LIMIT = 80
VOTES_SHOWN = 5

_RISK: dict[Risk, tuple[str, str]] = {
    Risk.HIGH: ("⚠ High risk", "attention"),
    Risk.MEDIUM: ("● Medium risk", "warning"),
    Risk.LOW: ("○ Low risk", "emphasis"),
}


@dataclass(frozen=True)
class Look:
    """How to draw for one place: the kind of buttons, and where more can be read."""

    flavour: Flavour
    public_url: str = ""
    full_width: bool = False
    """Teams can use the whole width of the chat; the Playground warns about it on every card."""

    def link(self, request: Request) -> str:
        """Where the whole request can be read, or ""."""
        base = self.public_url.rstrip("/")
        return f"{base}/api/v1/requests/{request.id}" if base else ""


def top(title: str, request: Request, *, risk: bool = True) -> list[JsonObject]:
    """The heading, and the risk in words on a background."""
    if not risk:
        return [heading(title, size="Large")]
    name, style = _RISK[request.risk]
    mark = {"type": "Container", "style": style, "items": [words(name, weight="Bolder")]}
    return [
        {
            "type": "ColumnSet",
            "columns": [
                {
                    "type": "Column",
                    "width": "stretch",
                    "verticalContentAlignment": "Center",
                    "items": [heading(title, size="Large")],
                },
                {"type": "Column", "width": "auto", "items": [mark]},
            ],
        }
    ]


def who_asks(view: RequestView) -> JsonObject:
    """The agent, what it wants to do, and for whom."""
    request = view.request
    asker = view.requester.name if view.requester else request.requester
    return sentence(
        ("bold", cut(request.agent, NAME_LIMIT)),
        " wants to run " if request.status is RequestStatus.PENDING else " wanted to run ",
        ("bold", in_words(request.tool)),
        " (",
        ("code", cut(request.tool, NAME_LIMIT)),
        "), on behalf of ",
        ("bold", cut(asker, NAME_LIMIT)),
        ".",
    )


def position(view: RequestView) -> list[JsonObject]:
    """Which of the calls proposed together this is; nothing for a single one."""
    if not view.siblings:
        return []
    total = len(view.siblings) + 1
    at = 1 + sum(sibling.position < view.request.position for sibling in view.siblings)
    pending = sum(sibling.status is RequestStatus.PENDING for sibling in view.siblings)
    others = f" {pending} of the others not decided yet." if pending else " All others are decided."
    rule = "Nothing runs before all are decided."
    return [words(f"**{at} of {total} proposed together.** {rule}{others}", spacing="Small")]


def what(view: RequestView, space: Space, look: Look) -> list[JsonObject]:
    """The arguments, in full or with a plain word on where the rest is."""
    table = arguments_table(view.request.arguments, space)
    elements = [label("What exactly will run"), *table.elements]
    if not table.complete:
        elements += not_everything(view.request, look)
    return elements


def not_everything(request: Request, look: Look) -> list[JsonObject]:
    """Says that the card is too small for this call, and where to read all of it."""
    link = look.link(request)
    where = "" if link else f" Run `countersign requests show {request.id}` to read all of it."
    note = words(f"⚠ **Not everything fits on this card.**{where}", spacing="Small")
    if not link:
        return [note]
    action = {"type": "Action.OpenUrl", "title": "Read all of it", "url": link}
    return [note, {"type": "ActionSet", "actions": [action]}]


def why(request: Request) -> list[JsonObject]:
    """The agent's own reason, marked as its words."""
    said = request.rationale.strip()
    if not said:
        return [label("Why"), words("The agent gave no reason.", isSubtle=True)]
    return [label("Why, in the agent's words"), plain(cut(said, RATIONALE_LIMIT))]


def small_print(view: RequestView) -> list[JsonObject]:
    """Deadline, who may decide, the rule, and the names of it all elsewhere."""
    request = view.request
    rows: list[tuple[str, JsonObject]] = []
    if request.status is RequestStatus.PENDING:
        deadline = moment(request.expires_at) if request.expires_at else "No deadline"
        rows.append(("Decide by", words(deadline)))
        rows += _needs(view)
    reason = f": {request.reason}" if request.reason else ""
    rows.append(("Rule", plain(cut(f"{request.rule_id}{reason}", REASON_LIMIT))))
    rows.append(("Workflow", plain(f"{view.session.workflow}, session {view.session.id}")))
    revision = f", revision {request.revision}" if request.revision > 1 else ""
    rows.append(("Request", plain(f"{request.id}{revision}")))
    rows.append(("Digest", plain(request.digest[:DIGEST_SHOWN], monospace=True)))
    return facts(rows)


def _needs(view: RequestView) -> list[tuple[str, JsonObject]]:
    request = view.request
    if not 0 <= request.stage < len(request.stages):
        return []
    stage = request.stages[request.stage]
    roles = " or ".join(stage.roles)
    given = sum(vote.stage == request.stage for vote in _counted(view))
    count = f"{stage.quorum} people: " if stage.quorum > 1 else ""
    so_far = f" ({given} of {stage.quorum} so far)" if stage.quorum > 1 else ""
    of = f", step {request.stage + 1} of {len(request.stages)}" if len(request.stages) > 1 else ""
    return [("Who decides", plain(cut(f"{count}{roles}{so_far}{of}", REASON_LIMIT)))]


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
