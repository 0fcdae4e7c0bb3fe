"""Answers to acts in tickets of several calls: what one act has led to is told in one comment."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from countersign.approvals.forms.wording import visible
from countersign.approvals.models import Delivery
from countersign.approvals.ports import Store, TicketConnector
from countersign.approvals.records import Records
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.tickets import Observation, RecordedAct, TicketAct, TicketRef
from countersign.connectors.comments.questions import ASK
from countersign.connectors.comments.withdrawing import WITHDRAW
from countersign.connectors.ticketing.acts import TicketActs, base_of, number_of
from countersign.connectors.ticketing.kept import Member, members, ticket_of
from countersign.connectors.ticketing.outcome import is_current
from countersign.connectors.ticketing.several import UNREAD_CALLS
from countersign.connectors.ticketing.still_needed import still_needed

ASKED = "the agent is asked; its answer will stand here. Nothing is decided yet."


class AnswersOnSeveral:
    """Writes into tickets of several calls of one system what their acts have led to."""

    def __init__(
        self, connector: TicketConnector, acts: TicketActs, store: Store, records: Records
    ):
        self._connector, self._acts = connector, acts
        self._store, self._records = store, records

    async def answer(self, delivery: Delivery, seen: Observation) -> Delivery | None:
        """Tell the ticket what it has not been told: a delivery whose call it still asks about,
        None if there is none. Raises NotFoundError if it is gone."""
        calls = await self._store.read(lambda c: members(c, delivery))
        asked = [each for each in calls if is_current(each.delivery, each.request)]
        acts = {act.id: act for act in seen.acts}
        parts: dict[str, list[RecordedAct]] = {}
        for recorded in await self._acts.recorded(delivery):
            if not recorded.answered:
                parts.setdefault(base_of(recorded.key.act_id), []).append(recorded)
        for act_id, found in parts.items():
            act = acts.get(act_id) or await self._half_told(delivery, act_id, found, asked)
            if act is None:  # this reading is behind; one that knows the act tells it
                continue
            await self._tell(ticket_of(delivery), act, found, asked)
            keys = [each.key for each in found]
            await self._store.write(partial(ticket_rows.answer, keys=keys))
        return asked[0].delivery if asked else None

    async def _half_told(
        self,
        delivery: Delivery,
        act_id: str,
        found: Sequence[RecordedAct],
        asked: Sequence[Member],
    ) -> TicketAct | None:
        """The act that the ticket does not show any more: telling it failed after we had taken it
        back. None if it is there, or not to be told."""
        if not asked or not any(each.reason for each in found):
            return None
        fresh = await self._connector.fetch_one(ticket_of(delivery))
        if fresh is None or any(act.id == act_id for act in fresh.acts):
            return None
        at = asked[0].request.created_at
        return TicketAct(id=act_id, at=at, actor=None, state="")

    async def _tell(
        self,
        ref: TicketRef,
        act: TicketAct,
        found: Sequence[RecordedAct],
        asked: Sequence[Member],
    ) -> None:
        who = visible(act.actor_name or act.actor or "somebody")
        kept = [number_of(each.key.act_id) for each in found if not each.reason]
        counted = sorted(number for number in kept if number is not None)
        reasons: dict[str, list[int]] = {}
        for refused in (each for each in found if each.reason):
            about = number_of(refused.key.act_id)
            reasons.setdefault(refused.reason, []).extend([] if about is None else [about])
        if act.state == ASK:
            said = [f"{who}: {ASKED}"] if not reasons else []
            said += [f"{who}: nothing was asked. {visible(reason)}" for reason in reasons]
            await self._connector.comment(ref, "\n\n".join(said), key=act.id)
            return
        if act.state == WITHDRAW:
            said = [f"The vote of {who} on {calls_in_words(counted)} is taken back."]
            said = said if counted else []
            said += [
                f"{who}: nothing was taken back{_of(numbers)}. {visible(reason)}"
                for reason, numbers in reasons.items()
            ]
            await self._connector.comment(ref, "\n\n".join(said) or "Taken back.", key=act.id)
            return
        said = [
            f"The answer of {who} does not count{_of(numbers)}: {visible(reason)}"
            for reason, numbers in reasons.items()
        ]
        if not asked:
            if said:
                await self._connector.comment(ref, "\n\n".join(said), key=act.id)
            return
        if counted:
            said.insert(0, f"Counted: {who}, for {calls_in_words(counted)}.")
        said.append(await self._left(asked, counted))
        if UNREAD_CALLS in reasons:
            said.append(
                "Read and decide them on their page, to which the ticket leads, or with "
                f"`countersign requests decide-together {asked[0].request.id}`."
            )
        # Whoever has said nothing yet of a call that still waits is asked again.
        done = bool(counted) and all(each.number in counted for each in asked)
        await self._connector.ask_again(ref, act, "\n\n".join(said), counted=done)

    async def _left(self, asked: Sequence[Member], counted: Sequence[int]) -> str:
        """What still waits, and what those that were counted still need."""
        still = [each.number for each in asked]
        half = next((each for each in asked if each.number in counted), None)
        needs = "" if half is None else still_needed(await self._records.view(half.request.id))
        waits = "waits" if len(still) == 1 else "wait"
        called = calls_in_words(still)
        return f"{called[:1].upper()}{called[1:]} still {waits}. {needs} Nothing has run.".replace(
            "  ", " "
        )


def calls_in_words(numbers: Sequence[int]) -> str:
    """`call 2`, `calls 1, 3 and 5 to 9`."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said: list[str] = []
    for run in runs:
        said += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(each) for each in run]
    *first, last = said
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"call{'s' if len(set(numbers)) > 1 else ''} {listed}"


def _of(numbers: Sequence[int]) -> str:
    return f" for {calls_in_words(numbers)}" if numbers else ""
