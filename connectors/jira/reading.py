"""Observations of issues: who has set what, and what spoke against it at that moment.

The changelog tells the whole story, so each act is judged by what the issue said when it was done:
an answer that was given while the text was another one does not count, also if the text has been
put right since. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from countersign.approvals.models import Verdict
from countersign.approvals.tickets import Observation, TicketAct, text_sha256
from countersign.connectors.comments.questions import ASK, question_in
from countersign.connectors.comments.withdrawing import WITHDRAW, is_withdrawal
from countersign.connectors.jira.approvals import Answers
from countersign.connectors.jira.moves import (
    Move,
    act_of,
    called,
    is_same,
    own_words,
    said_by,
    status_changes,
)
from countersign.connectors.jira.settings import JiraSettings
from countersign.connectors.jira.typed import as_typed
from countersign.connectors.jira.wire import (
    Account,
    History,
    Issue,
    Remark,
)

CLOSED_UNDECIDED = "It was closed without an answer."
TOOK_BACK = "Whoever set it took it back at once."
ALTERED = "The text of the ticket was changed by {} before this."
COMMENT_OF_ANOTHER = "A comment of {} was edited by somebody else, and may have asked for changes."
CHANGES_OF_ANOTHER = "The changes to the arguments were last written by {}, who did not decide."
TEXTS = ("summary", "description")


class Reader:
    """Reads issues as our account sees them; `own` is its id, `shown` is `wire.shown_sha256` of
    what we wrote, if that is known."""

    def __init__(self, settings: JiraSettings, own: str, shown: str = ""):
        self._settings, self._own, self._shown = settings, own, shown

    def observe(self, issue: Issue, shown: str = "", answers: Answers | None = None) -> Observation:
        """What the issue says; `answers` are those to its approvals, where these decide."""
        return Reader(self._settings, self._own, shown)._observed(issue, answers)

    def _observed(self, issue: Issue, answers: Answers | None) -> Observation:
        acts = self._moves(issue) if answers is None else self._answered(issue, answers)
        acts += self._comments(issue, WITHDRAW, is_withdrawal)
        acts += self._comments(issue, ASK, question_in)
        altered = self._altered(issue, None)
        return Observation(
            ref=issue.ref(self._settings.url, self._shown),
            order_key=self.order_key(issue),
            awaiting=issue.status in self._settings.statuses.pending,
            state_name=issue.status_name or issue.status,
            acts=tuple(sorted(acts, key=lambda act: act.at)),
            altered_by=None if altered is None else altered.id or "somebody",
        )

    def _comments(
        self, issue: Issue, state: str, means: Callable[[str], object]
    ) -> list[TicketAct]:
        """Comments that are acts by what they say, as nobody has changed them; ours are none."""
        return [
            TicketAct(
                id=f"{state}:{remark.by.id}:{remark.at.isoformat()}",
                at=remark.at,
                actor=remark.by.id,
                actor_name=remark.by.name,
                state=state,
                state_name=state,
                comment=remark.text,
            )
            for remark in issue.remarks
            if means(remark.text) and not remark.edited and remark.by.id != self._own
        ]

    def order_key(self, issue: Issue) -> str:
        """The key of an order in its labels; empty if there is none."""
        settings = self._settings
        prefix, others = settings.order_label(""), (settings.open_label, settings.closed_label)
        keys = [label for label in issue.labels if label.startswith(prefix)]
        return min((k.removeprefix(prefix) for k in keys if k not in others), default="")

    def _moves(self, issue: Issue) -> list[TicketAct]:
        """Every change of the status to anything but pending."""
        moves = status_changes(issue)
        pending = self._settings.statuses.pending
        acts = []
        for number, move in enumerate(moves):
            if move.change.to in pending:
                continue
            own = [m.history.at for m in moves[:number] if is_same(m.by, move.by)]
            since = self._asked_at(issue, own)
            after = [m.history.at for m in moves[number + 1 :] if m.change.to in pending]
            said = said_by(issue, move.by, since, min(after, default=None))
            changes = self._changes(issue, move.history)
            flaw = self._flaw(issue, moves, number, changes, said)
            acts.append(act_of(move, said, changes if isinstance(changes, str) else "", flaw))
        return acts

    def _flaw(
        self,
        issue: Issue,
        moves: Sequence[Move],
        number: int,
        changes: str | Account,
        said: Sequence[Remark],
    ) -> str:
        """Why a move cannot count, whoever made it."""
        statuses = self._settings.statuses
        move, newest = moves[number], number == len(moves) - 1
        verdict = statuses.verdict(move.change.to)
        if verdict is None:
            final = issue.done or move.change.to == statuses.closed
            ended = newest and final and issue.status == move.change.to
            return CLOSED_UNDECIDED if ended else ""
        altered = self._altered(issue, move.history)
        if altered is not None:
            return ALTERED.format(called(altered))
        if self._took_back(move, moves[number + 1 :]):
            return TOOK_BACK
        if isinstance(changes, Account) and verdict is not Verdict.REJECT:
            return CHANGES_OF_ANOTHER.format(called(changes))
        if verdict is not Verdict.REJECT and any(remark.edited for remark in said):
            return COMMENT_OF_ANOTHER.format(called(move.by))
        return ""

    def _took_back(self, move: Move, later: Sequence[Move]) -> bool:
        """Whether the same person's next step was to ask again, or to say something else; what
        others did in between makes no difference."""
        statuses = self._settings.statuses
        own = (m for m in later if m.by.id == move.by.id and m.change.to in statuses.mapped)
        after = next(own, None)
        return (
            move.by.id is not None
            and after is not None
            and statuses.verdict(after.change.to) is not statuses.verdict(move.change.to)
        )

    def _answered(self, issue: Issue, answers: Answers) -> list[TicketAct]:
        """Answers to approvals, and a move that went round them."""
        acts = []
        for number, act in enumerate(answers.acts):
            own = [a.at for a in answers.acts[:number] if a.actor and a.actor == act.actor]
            acts.append(self._judged(issue, act, own, timed=act.id not in answers.untimed))
        moves = status_changes(issue)
        newest = moves[-1] if moves else None
        if newest is None or answers.complete or newest.change.to != issue.status:
            return acts
        statuses = self._settings.statuses
        if issue.status in statuses.pending:
            return acts
        if issue.done or statuses.verdict(issue.status) is not None:
            flaw = "It was moved by hand; what counts is the answer to its approval."
            acts.append(act_of(newest, (), "", flaw))
        return acts

    def _judged(
        self, issue: Issue, act: TicketAct, own_before: Sequence[datetime], *, timed: bool
    ) -> TicketAct:
        who = Account(id=act.actor, name=act.actor_name)
        at = History(id="0", at=act.at, by=who, changes=())
        if timed:
            changes, altered = self._changes(issue, at), self._altered(issue, at)
        else:
            ever = at.model_copy(update={"at": datetime.max.replace(tzinfo=UTC)})
            changes, altered = self._changes(issue, ever), self._altered_since(issue, at)
        flaw = ""
        if altered is not None:
            flaw = ALTERED.format(called(altered))
        elif isinstance(changes, Account) and act.state == "approved":
            flaw = CHANGES_OF_ANOTHER.format(called(changes))
        said = said_by(issue, who, self._asked_at(issue, own_before), None)
        if not flaw and act.state == "approved" and any(remark.edited for remark in said):
            flaw = COMMENT_OF_ANOTHER.format(called(who))
        *earlier, comment = own_words(said) or ("",)
        return act.model_copy(
            update={
                "comment": comment,
                "earlier": tuple(earlier),
                "changes": changes if isinstance(changes, str) else "",
                "flaw": flaw,
            }
        )

    def _asked_at(self, issue: Issue, own: Sequence[datetime]) -> datetime:
        """When somebody who has answered at these times was asked after the last of them: what
        others answer puts the issue back, too, and takes back nothing of what this person wrote."""
        if not own:
            return issue.created_at
        pending = self._settings.statuses.pending
        asked = [m.history.at for m in status_changes(issue) if m.change.to in pending]
        return min((at for at in asked if at >= max(own)), default=max(own))

    def _changes(self, issue: Issue, act: History) -> str | Account:
        """What stood in the field for changes then; who wrote it, if the actor did not."""
        name, pending = self._settings.changes_field, self._settings.statuses.pending
        asked = [m.history.at for m in status_changes(issue) if m.change.to in pending]
        since = max((at for at in asked if at <= act.at), default=issue.created_at)
        found: str | Account = ""
        for history in issue.histories:
            if name is None or history.at > act.at:
                break
            change = history.of(name)
            if change is not None:
                own = history.by.id is not None and history.by.id == act.by.id
                # Whoever takes away what others wrote changes what is approved, too.
                gone = not change.text.strip() and history.at <= since
                found = as_typed(change.text) if own or gone else history.by
        return found

    def _altered_since(self, issue: Issue, act: History) -> Account | None:
        """Who had changed what we wrote, at that time or at any time after it."""
        edits = [h for h in issue.histories if h.at > act.at and any(h.of(f) for f in TEXTS)]
        found = (self._altered(issue, at) for at in (act, *edits))
        return next((who for who in found if who is not None), None)

    def _altered(self, issue: Issue, act: History | None) -> Account | None:
        """Who had changed what we wrote, as it stood at that act (now, if None)."""
        for field in TEXTS:
            ours: str | None = None
            by: Account | None = None
            for history in issue.histories:
                if act is not None and history.at > act.at:
                    break
                change = history.of(field)
                if change is None:
                    continue
                if ours is None:
                    ours = text_sha256(change.text_before)
                now = text_sha256(change.text)
                if history.by.id == self._own and self._is_ours(field, now):
                    ours = now
                by = None if now == ours else history.by
            if by is not None:
                return by
        return None

    def _is_ours(self, field: str, text: str) -> bool:
        """Whether our account may have written this: somebody else may have its token."""
        description, _, title = self._shown.partition(".")
        return (title if field == "summary" else description) in ("", text)
