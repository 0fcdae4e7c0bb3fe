"""Updates of an issue after it was made: comments, asking again, its end.

Each comment carries a mark by which it is made once; only in comments of our own is it believed.
Everything else goes by how the issue stands, so that doing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import structlog

from countersign.approvals.errors import InvalidError, UnavailableError
from countersign.approvals.tickets import TicketAct, TicketOutcome, TicketRef
from countersign.connectors.jira import text, wire
from countersign.connectors.jira.client import JiraClient
from countersign.connectors.jira.moves import last_move
from countersign.connectors.jira.people import People
from countersign.connectors.jira.refusals import ForbiddenError
from countersign.connectors.jira.settings import JiraSettings

log = structlog.get_logger(__name__)

PAGE = 100
PAGES = 20
"""Comments that are searched for one of ours, newest first: 2,000."""


class Updates:
    """Writes into the issues of one site. Raises NotFoundError if one is gone."""

    def __init__(
        self,
        client: JiraClient,
        settings: JiraSettings,
        people: People,
        links: Collection[str] = (),
    ):
        """`links` are what links to our own pages begin with; they stay links in comments."""
        self._client, self._settings, self._people = client, settings, people
        self._links = links

    async def comment(self, ref: TicketRef, words: str, key: str) -> None:
        """Say it, unless it was said."""
        body, mark = text.remark(words, ref.id, key, self._links)
        if not await self._was_said(ref, mark):
            path = f"issue/{ref.id}/comment"
            await self._client.send("POST", path, {"body": body}, f"a comment in {ref.key}")

    async def ask_again(
        self, ref: TicketRef, act: TicketAct, words: str, newest_approval: str
    ) -> None:
        """Put the issue back to where people are asked, if this act is what it stands at; then say
        it. So whatever people write after they have read it belongs to their next answer."""
        issue, steps = await self._read(ref)
        pending = self._settings.statuses.pending
        by_approval = act.id.startswith("approval:")
        current = (
            act.id.startswith(f"approval:{newest_approval}:")
            if by_approval
            else last_move(issue) == act.id
        )
        if current and issue.status not in pending:
            await self._move(ref, steps, pending[:1])
        await self.comment(ref, words, f"again:{act.id}")

    async def close(self, ref: TicketRef, outcome: TicketOutcome, words: str) -> None:
        """Say it, and bring the issue to its end. The comment and the labels come first, as many
        workflows let nobody edit a closed issue. What our account may not do is logged and left."""
        if words:
            await self.comment(ref, words, f"close:{outcome}")
        issue, steps = await self._read(ref)
        settings, statuses = self._settings, self._settings.statuses
        if settings.open_label in issue.labels or settings.closed_label not in issue.labels:
            swap = [{"remove": settings.open_label}, {"add": settings.closed_label}]
            await self._try(ref, "PUT", f"issue/{ref.id}", {"update": {"labels": swap}})
        wanted = statuses.of(outcome)
        # Where a team moves issues on by itself, to a final status of its own, it knows better.
        if issue.status in statuses.mapped or not issue.done:
            if issue.status not in wanted:
                await self._move(ref, steps, wanted)

    async def _read(self, ref: TicketRef) -> tuple[wire.Issue, list[Any]]:
        """The issue, and the transitions that our account may make now."""
        raw = await self._client.get(
            f"issue/{ref.id}",
            ref.key,
            fields=",".join(f for f in wire.FIELDS if f != "comment"),
            expand="changelog,transitions",
        )
        try:
            issue = wire.issue(raw)
        except wire.MalformedError as exc:
            raise UnavailableError(f"Jira gave {ref.key} in a form that cannot be read.") from exc
        steps = raw.get("transitions")
        return issue, steps if isinstance(steps, list) else []

    async def _was_said(self, ref: TicketRef, mark: str) -> bool:
        own = await self._people.own()
        for page in range(PAGES):
            answer = await self._client.get(
                f"issue/{ref.id}/comment",
                f"the comments of {ref.key}",
                startAt=page * PAGE,
                maxResults=PAGE,
                orderBy="-created",
            )
            found = answer.get("comments") if isinstance(answer, dict) else None
            for entry in found or []:
                said = entry.get("body") if isinstance(entry, dict) else None
                if isinstance(said, str) and mark in said:
                    if wire.account(entry.get("author")).id == own:
                        return True
            if not found or len(found) < PAGE:
                return False
        return False

    async def _move(self, ref: TicketRef, steps: list[Any], wanted: Collection[str]) -> None:
        """Bring the issue to the first of these statuses to which a transition leads."""
        by_target = {_target(step): str(step.get("id")) for step in steps if isinstance(step, dict)}
        for status in wanted:
            if status in by_target:
                body = {"transition": {"id": by_target[status]}}
                await self._try(ref, "POST", f"issue/{ref.id}/transitions", body)
                return
        log.warning(
            "ticket cannot be moved: its workflow has no transition for our account",
            ticket=ref.key,
            to=list(wanted),
        )

    async def _try(self, ref: TicketRef, method: str, path: str, body: object) -> None:
        try:
            await self._client.send(method, path, body, f"an update of {ref.key}")
        except (ForbiddenError, InvalidError) as exc:
            log.warning("ticket not updated", ticket=ref.key, reason=str(exc))


def _target(step: dict[str, Any]) -> str:
    """The status that a transition leads to."""
    to = step.get("to")
    return str(to.get("id")) if isinstance(to, dict) else ""
