"""Several calls in one mail: one thread for each person and checkpoint, from the question to what
came of all of them.

Each call keeps its delivery, and each delivery its thread; all of one mail have the same ids, so
that an answer finds them, and what was told is noted of all at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from countersign.approvals.errors import NoRecipientError
from countersign.approvals.models import (
    CALLS,
    Delivery,
    DeliveryId,
    JsonObject,
    Principal,
    Question,
    QuestionStatus,
    Request,
    RequestStatus,
)
from countersign.approvals.ports import RequestView, Store
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import mail as rows
from countersign.approvals.store import questions as question_rows
from countersign.approvals.store.mail import MailThread
from countersign.connectors.email import letter, letter_of_calls
from countersign.connectors.email.letter import NAME, Letter
from countersign.connectors.email.letter_of_calls import ended_state, is_settled, mark_of, shows
from countersign.connectors.email.settings import EmailSettings
from countersign.connectors.email.threads import Threads
from countersign.connectors.ticketing.kept import calls_in

_ANSWERED = (QuestionStatus.ANSWERED, QuestionStatus.HANDED_OVER)


class Several:
    """What `EmailChannel` does of mails that show several calls."""

    def __init__(self, settings: EmailSettings, threads: Threads, store: Store):
        self._settings, self._threads, self._store = settings, threads, store

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Write to the person, of all calls at once. After a crash the same mail goes out again,
        with the same id, whichever call begins it then."""
        calls, person = calls_in(delivery, view), self._threads.person(delivery)
        if not any(each.status is RequestStatus.PENDING for each in calls):
            return await self._told_after_all(delivery, view, person)
        of = await self._store.read(lambda c: _deliveries(c, delivery, calls))
        subject = letter_of_calls.subject_of(view, calls)
        thread, (url,) = await self._threads.planned(of, person, subject, [(calls[0], "calls")])
        asked = letter_of_calls.asks(view, calls, url, hears=self._settings.hears)
        told = letter_of_calls.asked_state(calls)
        await self._threads.begun(asked, thread, person, told=told)
        return self._reference(thread, view)

    async def _told_after_all(
        self, delivery: Delivery, view: RequestView, person: Principal
    ) -> JsonObject:
        """They were decided meanwhile: whoever may have been sent them is told so. Raises
        NoRecipientError if nobody was."""
        thread = await self._store.read(lambda c: rows.thread(c, delivery.id))
        if thread is None or not thread.told:
            raise NoRecipientError("It was decided before it could be sent.")
        await self._ended(thread, view, calls_in(delivery, view), person)
        return self._reference(thread, view)

    def _reference(self, thread: MailThread, view: RequestView) -> JsonObject:
        return {"message": self._threads.id_of(thread), CALLS: view.calls}

    async def update(self, delivery: Delivery, view: RequestView) -> None:
        """Say in the thread what has changed: another revision of a call that waits, an answer to
        whoever asked, and what came of all of them once each has ended."""
        calls = calls_in(delivery, view)
        thread, person = await self._threads.thread(delivery, view), self._threads.person(delivery)
        is_open = any(each.status is RequestStatus.PENDING for each in calls)
        if thread.bounced:
            if is_open:
                await self.post(delivery, view)
            return
        if not is_open:
            await self._ended(thread, view, calls, person)
            return
        if shows(thread.told, calls):
            await self._answered(thread, calls, person)
            return
        state, url = letter_of_calls.asked_state(calls), await self._url(calls, person)
        said = letter_of_calls.asks(view, calls, url, hears=self._settings.hears, changed=True)
        said = said.model_copy(update={"subject": f"Re: {thread.subject}"})
        await self._threads.send(said, thread, person, told=state, mark=mark_of(state))

    async def _ended(
        self, thread: MailThread, view: RequestView, calls: Sequence[Request], person: Principal
    ) -> None:
        """What came of each, once all are over; again only where one of them was in doubt."""
        state = ended_state(calls)
        if thread.told == state or not all(is_settled(each) for each in calls):
            return
        said = letter_of_calls.ended(view, calls, await self._url(calls, person), thread.subject)
        await self._threads.send(said, thread, person, told=state, mark=mark_of(state))

    async def _answered(
        self, thread: MailThread, calls: Sequence[Request], person: Principal
    ) -> None:
        """Tell whoever asked by mail what was answered, each once."""
        state, _, before = thread.told.partition(";")
        known = [key for key in before.split(",") if key]
        ids = [each.id for each in calls]
        asked = await self._store.read(lambda c: question_rows.among(c, ids))
        for question in asked:
            key = f"q{ids.index(question.request_id) + 1}-{question.number}{question.status[0]}"
            mine = (question.asker, question.via) == (person.id, NAME)
            if not mine or key in known or question.status not in _ANSWERED:
                continue
            known.append(key)
            said = await self._answer(question, thread, calls, person)
            told = f"{state};{','.join(known)}"
            await self._threads.send(said, thread, person, told=told, mark=key)

    async def _answer(
        self, question: Question, thread: MailThread, calls: Sequence[Request], person: Principal
    ) -> Letter:
        return letter.answered(question, await self._url(calls, person), thread.subject)

    async def _url(self, calls: Sequence[Request], person: Principal) -> str:
        return await self._threads.links.url_of(calls[0], person, "calls")


def _deliveries(
    connection: Connection, delivery: Delivery, calls: Sequence[Request]
) -> list[tuple[DeliveryId, Request]]:
    """The deliveries of these calls to the same person, in the order of the calls."""
    known = delivery_rows.of_requests(connection, [each.id for each in calls])
    mine = {d.request_id: d.id for d in known if (d.channel, d.target) == (NAME, delivery.target)}
    return [(mine[each.id], each) for each in calls if each.id in mine]
