"""Texts that answer the fixed commands."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.wording import as_text, in_words
from countersign.approvals.models import Pause, PauseKind, PauseScope, Request
from countersign.connectors.conversing.phrases import Start, understand
from countersign.connectors.conversing.said import Kind, Text
from countersign.connectors.system import WorkflowInfo

PENDING_SHOWN = 20


def help_text(
    workflows: Sequence[WorkflowInfo], kind: Kind = "personal", shows: str = "card"
) -> str:
    """What the app is, and every way to use it in a conversation of this kind; `shows` is what
    shows a request there."""
    example = f" For example: `{_example(workflows)}`" if workflows else ""
    how = "Write what you need and the agents start on it; what matters comes to the right people"
    if kind != "personal":
        where = "channel" if kind == "channel" else "chat"
        how = (
            f"In this {where} I read only messages that mention me: mention me and write what you "
            "need, and the agents start on it. What matters comes to the right people"
        )
    return (
        f"I put a person's approval between agents and risky actions. {how} as a {shows}."
        f"{example}\n\n"
        "- `workflows`: what the agents can do\n"
        "- `pending`: what waits for your decision\n"
        "- `status`: the sessions of this chat; `status S-…` for one of them\n"
        "- `cancel S-…`: end a session you started\n"
        "- `pauses`: what does not run for now; admins `pause tool NAME: REASON` and `resume tool "
        "NAME`, likewise `workflow`, `agent`, `domain` and `all`\n"
        "- `help`: this text"
    )


def _example(workflows: Sequence[WorkflowInfo]) -> str:
    """A message that starts the first of them."""
    first = workflows[0]
    wish = understand(first.example, workflows)
    starts = isinstance(wish, Start) and wish.workflow.name == first.name
    return first.example if starts else f"{first.name}: {first.example}"


def workflows_text(workflows: Sequence[WorkflowInfo]) -> str:
    """Every workflow with an example that works."""
    if not workflows:
        return "No workflows are set up."
    lines = [
        f"- **{workflow.title}** (`{workflow.name}`), for example: "
        f"`{workflow.name}: {workflow.example}`"
        for workflow in workflows
    ]
    return "\n".join(["I can start:", "", *lines])


def the_scope(scope: PauseScope) -> str:
    """What is paused, at the beginning of a sentence."""
    if scope.kind is PauseKind.ALL:
        return "Everything"
    return f"The {scope.kind} `{scope.name}`"


def pauses_text(pauses: Sequence[Pause]) -> Text:
    """What is paused now."""
    if not pauses:
        return Text("Nothing is paused.")
    lines = [f"- **{the_scope(pause.scope)}**: {as_text(pause.words)}" for pause in pauses]
    return Text("\n".join(["Paused now:", "", *lines]))


def pending_text(requests: Sequence[Request], *, elsewhere: bool, shows: str = "card") -> Text:
    """`elsewhere`: the cards or messages that `shows` names are not shown where this is said."""
    if not requests:
        return Text("Nothing waits for your decision.")
    lines = [
        f"- **{in_words(request.tool)}** `{request.id}`, {request.risk} risk, since "
        f"{request.created_at:%Y-%m-%d %H:%M} UTC"
        for request in requests
    ]
    more = f"\n\nThese are the first {PENDING_SHOWN}." if len(lines) == PENDING_SHOWN else ""
    if elsewhere:
        more += f"\n\nTheir {shows}s are in your own chat with me: write `pending` there."
    count = "One request waits" if len(lines) == 1 else f"{len(lines)} requests wait"
    return Text("\n".join([f"{count} for your decision:", "", *lines]) + more)
