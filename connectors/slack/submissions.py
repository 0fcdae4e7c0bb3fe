"""Submissions: what a modal that was sent asks for, and what stands in it then."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field

from countersign.approvals.errors import (
    CountersignError,
    InvalidError,
    StaleDigestError,
    UnavailableError,
)
from countersign.approvals.forms.fields import fields
from countersign.approvals.forms.parsing import edited_arguments
from countersign.approvals.models import Actor, JsonObject, RequestStatus, Verdict
from countersign.approvals.ports import RequestView
from countersign.approvals.tickets import ActKey
from countersign.connectors.receiving import (
    Filled,
    VoteAttempt,
    VoteOutcome,
    VoteResult,
    receive,
)
from countersign.connectors.slack import modals
from countersign.connectors.slack.channel import SlackChannel
from countersign.connectors.slack.deciding_together import decide_all
from countersign.connectors.slack.drawing import is_whole
from countersign.connectors.slack.interactions import Interaction
from countersign.connectors.slack.message import ASK, CHANGE, NAME
from countersign.connectors.slack.modals import Opened, Typed
from countersign.connectors.slack.question import REPLY
from countersign.connectors.slack.retracting import REVOKE
from countersign.connectors.slack.together import REJECT_ALL
from countersign.connectors.slack.undos import UNDO
from countersign.connectors.slack.words import HOW_TO_CHANGE, STALE, UNREAD, told
from countersign.connectors.system import Inbound

NOT_YET = "If you go on, your approval counts, and they are asked too. Press the button again."
ASKED_SO = "If you go on, it is asked as you have changed it. Press the button again."
_AGAIN = frozenset({VoteResult.INVALID, VoteResult.UNCHANGED, VoteResult.DENIED})


@dataclass(frozen=True)
class Reply:
    """What becomes of a modal: it says something, shows what is wrong, or closes."""

    title: str = ""
    text: str = ""
    """Said instead of the form; "" to close it."""
    errors: dict[str, str] = field(default_factory=dict)
    """What is wrong, by block; then the form stays."""
    view: JsonObject | None = None
    """Shown instead of it."""
    redraws: RequestView | None = None
    """What the message has to show now, at once."""

    def body(self) -> JsonObject:
        """As Slack is answered. Errors without `response_action` would be none to it."""
        if self.errors:
            return {"response_action": "errors", "errors": self.errors}
        if self.view is not None:
            return {"response_action": "update", "view": self.view}
        if self.text:
            return {"response_action": "update", "view": modals.notice(self.title, self.text)}
        return {}

    def words(self) -> str:
        """The same in words, for when it comes too late to be an answer."""
        if self.errors:
            wrong = "; ".join(self.errors.values())
            return f"Nothing was decided: {wrong} Press the button of the message again."
        return self.text or "Done. The message shows how it stands now."


class Submissions:
    """Brings what was sent to where it belongs."""

    def __init__(self, channel: SlackChannel, inbound: Inbound) -> None:
        self._channel, self._inbound = channel, inbound

    async def take(self, acted: Interaction, opened: Opened, actor: Actor) -> Reply:
        """Raises what is not about this answer, as `receive` does."""
        assert acted.view is not None  # noqa: S101 - whatever was opened has come from it
        view = await self._inbound.records.view(opened.request)
        act = ActKey(channel=NAME, ticket_id=acted.view.id, act_id=acted.view.hash)
        state = acted.view.state.values
        if opened.verb == ASK:
            return await self._asked(opened, modals.written_in(state), actor, act)
        if opened.verb == REVOKE:
            return await self._revoked(opened, modals.written_in(state), actor)
        if opened.verb == UNDO:
            return await self._undone(opened, modals.written_in(state), actor)
        if opened.verb == REJECT_ALL:
            return await self._all_rejected(opened, modals.written_in(state), view, actor)
        stands = view.request.status is RequestStatus.PENDING
        if stands and view.request.digest != opened.digest:
            return Reply("Out of date", STALE, redraws=view)
        if opened.verb == CHANGE:
            return await self._changed(opened, modals.typed_in(state, view), view, actor, act)
        attempt = VoteAttempt(
            request_id=opened.request,
            actor=actor,
            verdict=Verdict.APPROVE if opened.verb == REPLY else Verdict.REJECT,
            digest=opened.digest,
            comment=modals.written_in(state),
            act=act,
        )
        return await self._voted(attempt, view)

    async def _asked(self, opened: Opened, text: str, actor: Actor, act: ActKey) -> Reply:
        asked = self._inbound.approvals.questions.ask(opened.request, actor, text, act)
        return await _refusal(asked, "Not asked") or Reply()

    async def _revoked(self, opened: Opened, reason: str, actor: Actor) -> Reply:
        revoked = self._inbound.approvals.revoke(opened.request, actor, reason=reason)
        return await _refusal(revoked, "Not revoked") or Reply()

    async def _all_rejected(
        self, opened: Opened, reason: str, view: RequestView, actor: Actor
    ) -> Reply:
        around = (self._inbound.approvals, view, opened, actor, Verdict.REJECT, reason)
        try:
            left = await decide_all(*around, self._channel.page)
        except StaleDigestError as exc:
            return Reply("Out of date", str(exc), redraws=view)
        except InvalidError as exc:
            return Reply(errors={modals.TEXT: str(exc)})
        return Reply("Rejected", left) if left else Reply()

    async def _undone(self, opened: Opened, reason: str, actor: Actor) -> Reply:
        """Sent twice it is asked for once: the second time it is under way."""
        undone = self._inbound.approvals.undo(opened.request, actor, reason=reason)
        if (refusal := await _refusal(undone, "Not undone")) is not None:
            return refusal
        return Reply(redraws=await self._inbound.records.view(opened.request))

    async def _changed(
        self, opened: Opened, typed: Typed, view: RequestView, actor: Actor, act: ActKey
    ) -> Reply:
        foreseen = opened.foreseen
        if foreseen is None:
            foreseen, note = await self._foreseen(opened, typed, view, actor)
            if note:
                again = opened.model_copy(update={"foreseen": foreseen})
                form = modals.form(again, view, note=note, typed=typed)
                return Reply(view=form)
        attempt = VoteAttempt(
            request_id=opened.request,
            actor=actor,
            verdict=Verdict.MODIFY,
            digest=opened.digest,
            arguments=Filled(typed.values),
            comment=typed.text,
            act=act,
            foreseen=foreseen,
            unread=lambda view: "" if is_whole(view, self._channel.page, opened.calls) else UNREAD,
            instead=HOW_TO_CHANGE,
        )
        return await self._voted(attempt, view)

    async def _foreseen(
        self, opened: Opened, typed: Typed, view: RequestView, actor: Actor
    ) -> tuple[str, str]:
        """The digest of the edit, and who has to decide it as well, with what follows; "" for
        nobody, and where it will not count at all."""
        form = fields(view.arguments_schema, view.request.arguments)
        arguments, problems = edited_arguments(form, view.request.arguments, typed.values)
        if problems or view.request.status is not RequestStatus.PENDING:
            return "", ""
        try:
            edit = await self._inbound.approvals.foresee(
                opened.request, actor, digest=opened.digest, arguments=arguments
            )
        except UnavailableError:
            raise
        except CountersignError:  # the vote is refused for that, and says so
            return "", ""
        if not edit.others:
            return "", ""
        return edit.after.digest, f"{edit.others} {ASKED_SO if edit.held else NOT_YET}"

    async def _voted(self, attempt: VoteAttempt, view: RequestView) -> Reply:
        inbound = self._inbound
        outcome = await receive(inbound.approvals, inbound.records, attempt, view)
        if outcome.result is VoteResult.DECIDED:
            return Reply()
        if outcome.result in _AGAIN:
            return Reply(errors=modals.errors(outcome.problems, view, outcome.reason))
        return Reply(_title(outcome), told(outcome), redraws=await self._now(outcome, view))

    async def _now(self, outcome: VoteOutcome, view: RequestView) -> RequestView | None:
        if outcome.result in (VoteResult.REFUSED, VoteResult.UNREAD, VoteResult.GONE):
            return None
        return await self._inbound.records.view(view.request.id)


def _title(outcome: VoteOutcome) -> str:
    match outcome.result:
        case VoteResult.COUNTED:
            return "Your vote is counted"
        case VoteResult.REVISED:
            return "Not decided yet"
        case VoteResult.LOST | VoteResult.EXPIRED:
            return "Too late"
        case VoteResult.STALE:
            return "Out of date"
    return "Nothing was decided"


async def _refusal(act: Awaitable[object], title: str) -> Reply | None:
    """Do it; what is told if it does not count, at the field if that is wrong. Raises
    UnavailableError: it comes again."""
    try:
        await act
    except InvalidError as exc:
        return Reply(errors={modals.TEXT: str(exc)})
    except UnavailableError:
        raise
    except CountersignError as exc:
        return Reply(title, str(exc))
    return None
