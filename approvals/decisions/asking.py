"""Asking again: what was asked no longer is what would run, so its votes do not carry over.

A tool that takes or fills in something else now, a rule that asks others, an approval that was
given too long ago: the request gets a new revision of what its tool would receive today, with a
digest of its own, and waits for people once more. Where it was shown, it says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from countersign.approvals.decisions.budgeting import Budgeting
from countersign.approvals.decisions.edits import ruled
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.errors import (
    CheckFailedError,
    InvalidArgumentsError,
    PreconditionFailedError,
)
from countersign.approvals.forms.told import Told, ended, with_reason
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import (
    Cause,
    Checked,
    Effect,
    Effective,
    JsonObject,
    Request,
    RequestKind,
    RequestStatus,
    Ruling,
    Session,
)
from countersign.approvals.ports import Moment, ToolCatalog, Unit
from countersign.approvals.rules.budgets.judging import asking, in_entry
from countersign.approvals.rules.edited import asks_others, rule_request
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import (
    call_digest,
    call_hash,
    call_of,
    not_executed,
    written_by_agent,
)
from countersign.approvals.rules.repeats import with_same_calls
from countersign.approvals.rules.shortfall import of_ruling
from countersign.approvals.rules.silence import is_undoable
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.rules.timing import never_approved, times, with_timing
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows

OLD_FORM = "An earlier release asked this without all that the tool receives."
TOOL_CHANGED = "What {tool} takes or fills in has changed since this was asked."
RULE_CHANGED = "The rule on {tool} has changed since this was asked."


@dataclass(frozen=True)
class AskAgain:
    """A request that has to be asked again before it can be decided or run, and why."""

    request: Request
    session: Session
    why: str
    tool_changed: bool
    """Whether the tool would receive something else; else it is the rule, or the approval that
    does not hold any more."""
    entry: tuple[str, JsonObject] | None = None
    """What the ledger is told of that, if there is more to tell than why."""
    by_agent: str = ""
    """The agent that has changed its mind: what people made of its call before goes with that."""


@dataclass(frozen=True)
class Today:
    """What would run today, if it were asked again."""

    effective: Effective | None = None
    """None where the tool is not known here."""
    checked: Checked | None = None
    """None where nothing can be said; what was found before stands no longer then."""
    unsound: tuple[Cause, str] | None = None
    """Why it cannot be asked at all."""
    unknown: str = ""
    """Why its check says nothing, although the tool has one."""


class Asking:
    """Finds what has to be asked again, and does it. Methods with a connection belong into a
    transaction."""

    def __init__(
        self, policies: Policies, catalog: ToolCatalog, outbox: Outbox, budgeting: Budgeting
    ):
        self._policies, self._budgeting = policies, budgeting
        self._catalog = catalog
        self._outbox = outbox

    def needed(self, request: Request, session: Session, moment: Moment) -> AskAgain | None:
        """What has changed since the request was asked, by what tools take now; None if it
        stands."""
        if request.kind is RequestKind.INPUT or request.canary is not None:
            return None
        version = moment.forms.get((session.workflow, request.tool))
        if version is not None and version != request.schema_version:
            why = TOOL_CHANGED if request.schema_version else OLD_FORM
            return AskAgain(request, session, why.format(tool=request.tool), tool_changed=True)
        situation = situation_of(session, moment.people, request.created_at, request.seen)
        policy, call = self._policies.current, call_of(request, request.arguments)
        if not policy.needs(call, session.workflow).seen_in(request.seen):
            why = RULE_CHANGED.format(tool=request.tool)
            return AskAgain(request, session, why, tool_changed=False)
        ruling = rule_request(policy, request, situation)
        if request.budgets:  # those that were passed when it was asked; how they stand may change
            ruling = asking(ruling, request.budgets, policy.document.budgets)
        if ruling.effect is Effect.REQUIRE_APPROVAL and asks_others(request, ruling):
            why = RULE_CHANGED.format(tool=request.tool)
            return AskAgain(request, session, why, tool_changed=False)
        return None

    async def today(self, again: AskAgain) -> Today:
        """What the tool would receive and what its check finds; this runs code of the workflow's,
        so it is not for a transaction."""
        request, workflow = again.request, again.session.workflow
        source = request.arguments
        if not request.modified and request.written is not None:
            source = request.written
        try:
            effective = await self._catalog.effective(workflow, request.tool, source)
            if effective is None:
                return Today()
            checked = await self._catalog.checked(workflow, request.tool, effective.arguments)
        except InvalidArgumentsError as exc:
            return Today(unsound=(Cause.INVALID_ARGUMENTS, str(exc)))
        except PreconditionFailedError as exc:
            return Today(unsound=(Cause.PRECONDITION, str(exc)))
        except CheckFailedError as exc:
            return Today(effective, unknown=str(exc))
        return Today(effective, checked)

    def ask(self, unit: Unit, again: AskAgain, today: Today) -> Request:
        """The request as it waits now; or cancelled, where it cannot be asked any more.

        Raises AlreadyDecidedError if it has changed since `again` was found.
        """
        request, effective = again.request, today.effective
        if today.unsound is not None:
            cause, reason = today.unsound
            return self._cancel(unit, again, cause, f"{again.why} {reason}")
        why = f"{again.why} {today.unknown}".strip()
        checked = request.checked if effective is None else today.checked or Checked()
        arguments = request.arguments if effective is None else effective.arguments
        version = request.schema_version if effective is None else effective.schema_version
        revised = request.model_copy(
            update={
                "arguments": arguments,
                **_as_proposed(again, arguments),
                "schema_version": version,
                "facts": checked.facts,
                "preview": checked.preview,
                "asked_again": why,
            }
        )
        policy = self._policies.current
        situation = situation_of(
            again.session, unit.moment.people, request.created_at, request.seen
        )
        seen = self._budgeting.see(unit.connection, request, arguments, situation, unit.now)
        revised = revised.model_copy(update={"seen": seen})
        situation = situation.model_copy(update=seen or {})
        ruling = self._budgeting.ruling_on(unit.connection, revised, situation, unit.now)
        if ruling.effect is Effect.DENY:
            return self._cancel(unit, again, Cause.DENIED_BY_POLICY, ruling.reason)
        if ruling.effect is Effect.SHADOW:
            return self._cancel(unit, again, Cause.SHADOW, ruling.reason)
        people = people_for(unit.moment.people, request, again.session)
        nobody = of_ruling(ruling, request.kind, request.requester, people)
        if nobody is not None:
            what = f"{in_words(request.tool)} ({request.id})"
            text = f"**Not asked again:** {what}."
            told = Told(f"{text} {again.why} {nobody.text}", f"{text} {nobody.text}")
            self._outbox.tell(unit, again.session, told)
            reason = f"{again.why} {nobody.text}"
            return self._cancel(unit, again, Cause.NO_APPROVER, reason)
        after = self._revision(revised, effective, ruling, policy.version, unit.now)
        (after,) = with_same_calls(
            [after], request_rows.of_session(unit.connection, request.session_id)
        )
        batch = request_rows.checkpoint_with(unit.connection, after)
        if after.modified or not is_undoable(batch, policy.book.reversibility):
            after = with_timing(after, never_approved(after.timing))
        decide(unit, request, after)
        entries = [] if again.entry is None else [again.entry]
        was_decided = request.status is RequestStatus.APPROVED
        if was_decided:
            text = f"**Asked again:** {in_words(request.tool)} ({request.id})."
            self._outbox.tell(unit, again.session, with_reason(text, again.why))
        anew = was_decided or bool(again.by_agent)
        self._outbox.show(unit, again.session, [after], anew=anew)
        body: JsonObject = {
            "request": request.id,
            "revision": after.revision,
            "arguments": after.arguments,
            "digest": after.digest,
            "replaces": request.digest,
            "schema_version": after.schema_version,
            "policy_version": after.policy_version,
            "facts": after.facts,
            "why": why,
            **({"by": again.by_agent} if again.by_agent else {}),
            **ruled(after),
            **in_entry(after.budgets),
            **({} if after.seen is None else {"seen": after.seen}),
        }
        entries.append(("asked_again", body))
        ledger_rows.append(unit, request.session_id, *entries)
        self._outbox.changed(unit, after)
        return after

    def _revision(
        self,
        request: Request,
        effective: Effective | None,
        ruling: Ruling,
        policy_version: str,
        now: datetime,
    ) -> Request:
        """The next revision, by today's rule; by the old one where today's would not ask."""
        update: JsonObject = {
            "status": RequestStatus.PENDING,
            "revision": request.revision + 1,
            "policy_version": policy_version,
            "call_hash": call_hash(request.tool, request.arguments),
            "same_calls": (),
            "budgets": ruling.budgets,
            "stage": 0,
            "decision": None,
            "result": None,
            "executing_epoch": None,
        }
        if effective is not None:
            update |= {"defaulted": effective.defaulted, "injected": effective.injected}
        if ruling.effect is Effect.REQUIRE_APPROVAL:
            update |= {
                "risk": ruling.risk,
                "rule_id": ruling.rule_id,
                "reason": ruling.reason,
                "stages": ruling.stages,
                "channels": ruling.channels,
                "show_first": ruling.show_first,
                "valid_for_s": ruling.valid_for_s,
                **times(ruling, now, self._policies.current.calendars),
            }
        after = request.model_copy(update=update)
        digest = call_digest(call_of(after, after.arguments), policy_version)
        return after.model_copy(update={"digest": digest})

    def _cancel(self, unit: Unit, again: AskAgain, cause: Cause, message: str) -> Request:
        request = again.request
        result = not_executed(
            cause, message, retry=cause in (Cause.INVALID_ARGUMENTS, Cause.PRECONDITION)
        )
        after = request.model_copy(update={"status": RequestStatus.CANCELLED, "result": result})
        decide(unit, request, after)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "cause": cause,
            "message": message,
        }
        ledger_rows.append(unit, request.session_id, ("not_executed", body))
        if cause is not Cause.NO_APPROVER:  # of which more was told
            self._outbox.tell(unit, again.session, ended(after), progress=True)
        if request.status is RequestStatus.PENDING:
            self._outbox.decided(unit, after)
        else:
            self._outbox.changed(unit, after)
        return after


def _as_proposed(again: AskAgain, arguments: JsonObject) -> JsonObject:
    """What the agent wrote, by which the chat knows its call again, and what it proposed."""
    request = again.request
    if again.by_agent:
        return {"written": written_by_agent(request), "proposed_arguments": None, "changed_by": ()}
    written = request.written
    if written is None and not request.modified and arguments != request.arguments:
        written = request.arguments
    return {"written": written}
