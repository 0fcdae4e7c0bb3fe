"""Several calls in one mail: one thread for each person and checkpoint, from the question to what
came of all of them.

Each call keeps its delivery, and each delivery its thread; all of one mail have the same ids, so
that an answer finds them, and what was told is noted of all at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from countersign.approvals import backoff
from countersign.approvals.errors import BusyError, CountersignError, NoRecipientError
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
from countersign.approvals.ports import RequestView
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import mail as rows
from countersign.approvals.store import questions as question_rows
from countersign.approvals.store.mail import MailThread
from countersign.connectors.email import letter, letter_of_calls
from countersign.connectors.email.letter import NAME, Letter
from countersign.connectors.email.letter_of_calls import ended_state, is_settled, mark_of, shows
from countersign.connectors.email.settings import EmailSettings
from countersign.connectors.email.threads import Threads
from countersign.connectors.system import Deployment
from countersign.connectors.ticketing.kept import calls_in

_TELLING = "!"
"""Between what was told, and until when a server has taken it on itself to tell more."""
_BUSY = "Another server is writing in this thread."
_LOOK_AGAIN_S = 1.0
_ANSWERED = (QuestionStatus.ANSWERED, QuestionStatus.HANDED_OVER)


class Several:
    """What `EmailChannel` does of mails that show several calls."""

    def __init__(self, settings: EmailSettings, threads: Threads, deployment: Deployment):
        self._settings, self._threads = settings, threads
        self._store, self._clock = deployment.store, deployment.clock

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
        self._require_free(thread)
        is_open = any(each.status is RequestStatus.PENDING for each in calls)
        if thread.bounced:
            if is_open:
                await self.post(delivery, view)
            return
        if not is_open:
            await self._ended(thread, view, calls, person)
            return
        if shows(_told(thread), calls):
            await self._answered(thread, calls, person)
            return
        state, url = letter_of_calls.asked_state(calls), await self._url(calls, person)
        said = letter_of_calls.asks(view, calls, url, hears=self._settings.hears, changed=True)
        said = said.model_copy(update={"subject": f"Re: {thread.subject}"})
        await self._tell(said, thread, person, state, mark_of(state))

    async def _ended(
        self, thread: MailThread, view: RequestView, calls: Sequence[Request], person: Principal
    ) -> None:
        """What came of each, once all are over; again only where one of them was in doubt."""
        state = ended_state(calls)
        if _told(thread) == state or not all(is_settled(each) for each in calls):
            return
        said = letter_of_calls.ended(view, calls, await self._url(calls, person), thread.subject)
        await self._tell(said, thread, person, state, mark_of(state))

    async def _answered(
        self, thread: MailThread, calls: Sequence[Request], person: Principal
    ) -> None:
        """Tell whoever asked by mail what was answered, each once."""
        state, _, before = _told(thread).partition(";")
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
            thread = await self._tell(said, thread, person, told, key)

    async def _answer(
        self, question: Question, thread: MailThread, calls: Sequence[Request], person: Principal
    ) -> Letter:
        return letter.answered(question, await self._url(calls, person), thread.subject)

    async def _tell(
        self, said: Letter, thread: MailThread, person: Principal, told: str, mark: str
    ) -> MailThread:
        """Send a later mail of the thread, unless another server is telling something there; the
        thread as it is then. Two deliveries of one mail may be made at the same time, and of both
        each would send what came of all."""
        until = self._clock.now() + timedelta(seconds=backoff.ATTEMPT_S)
        telling = f"{_told(thread)}{_TELLING}{codec.to_text(until)}"
        name, before = thread.message_id, thread.told
        if not await self._store.write(lambda c: rows.claim(c, name, before, telling)):
            raise BusyError(_BUSY, retry_after_s=_LOOK_AGAIN_S)
        try:
            await self._threads.send(said, thread, person, told=told, mark=mark)
        except CountersignError:
            await self._store.write(lambda c: rows.claim(c, name, telling, _told(thread)))
            raise
        return thread.model_copy(update={"told": told})

    def _require_free(self, thread: MailThread) -> None:
        """Raises BusyError while another server is telling something in the thread; not of one that
        died meanwhile."""
        until = thread.told.partition(_TELLING)[2]
        if until and codec.from_text(until) > self._clock.now():
            raise BusyError(_BUSY, retry_after_s=_LOOK_AGAIN_S)

    async def _url(self, calls: Sequence[Request], person: Principal) -> str:
        return await self._threads.links.url_of(calls[0], person, "calls")


def _told(thread: MailThread) -> str:
    """What was told for certain."""
    return thread.told.partition(_TELLING)[0]


def _deliveries(
    connection: Connection, delivery: Delivery, calls: Sequence[Request]
) -> list[tuple[DeliveryId, Request]]:
    """The deliveries of these calls to the same person, in the order of the calls."""
    known = delivery_rows.of_requests(connection, [each.id for each in calls])
    mine = {d.request_id: d.id for d in known if (d.channel, d.target) == (NAME, delivery.target)}
    return [(mine[each.id], each) for each in calls if each.id in mine]
