"""What people are sent: one thread for each of them and request, kept as the request stands."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import Connection

from countersign.approvals.errors import (
    NoRecipientError,
    NotFoundError,
    UnansweredError,
    UnavailableError,
    UnreachableError,
)
from countersign.approvals.models import (
    Conversation,
    Delivery,
    JsonObject,
    Notice,
    Placing,
    Principal,
    PrincipalId,
    QuestionStatus,
    RequestStatus,
)
from countersign.approvals.ports import Prompt, RequestView
from countersign.approvals.store import mail as rows
from countersign.approvals.store.mail import MailThread
from countersign.approvals.tickets import CheckResult
from countersign.connectors.email import letter
from countersign.connectors.email.addresses import Addresses
from countersign.connectors.email.letter import NAME, Letter, knows, mark_of, state_of
from countersign.connectors.email.links import Links
from countersign.connectors.email.relay import Relay
from countersign.connectors.email.settings import EmailSettings
from countersign.connectors.email.writing import Envelope, mail
from countersign.connectors.system import Deployment

SENDING, LIST = "sending", "list"
"""What a thread has told: perhaps its first mail; a list, which never changes."""
Check = Callable[[], Awaitable[Sequence[CheckResult]]]
_PERSON = "person:"
_ID_BYTES = 16

_ANSWERED = (QuestionStatus.ANSWERED, QuestionStatus.HANDED_OVER)


class EmailChannel:
    """`approvals.ports.Channel` over an SMTP relay."""

    name = NAME
    placing = Placing(identity=NAME)

    def __init__(
        self,
        settings: EmailSettings,
        relay: Relay,
        deployment: Deployment,
        checks: Sequence[Check] = (),
    ):
        """`checks` are of what belongs to it besides the relay."""
        self._settings, self._relay, self._checks = settings, relay, checks
        self._store, self._clock = deployment.store, deployment.clock
        self._directory = deployment.directory
        self._links = Links(settings.link_valid_for, deployment)
        self._addresses = Addresses(deployment.conversations, deployment.clock)

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Write to the person. After a crash the same mail goes out again with the same id, so that
        programs show it once or below itself."""
        person = self._person(delivery)
        if view.request.status is not RequestStatus.PENDING:
            return await self._told_after_all(delivery, view, person)
        thread, (url,) = await self._planned((delivery,), (view,), person)
        asked = letter.asks(view, url, hears=self._settings.hears)
        await self._begun(asked, thread, person, told=state_of(view.request))
        return {"message": self._id(thread)}

    async def _told_after_all(
        self, delivery: Delivery, view: RequestView, person: Principal
    ) -> JsonObject:
        """It was decided meanwhile: whoever may have been sent it is told so. Raises
        NoRecipientError if nobody was."""
        thread = await self._store.read(lambda c: rows.thread(c, delivery.id))
        if thread is None or not thread.told:
            raise NoRecipientError("It was decided before it could be sent.")
        await self._ended(thread, view, person)
        return {"message": self._id(thread)}

    async def post_list(self, delivery: Delivery, views: Sequence[RequestView]) -> JsonObject:
        """Write what waits, with a link to each; whoever does not want lists is sent none where
        each of them is shown elsewhere, too."""
        person = self._person(delivery)
        thread, urls = await self._planned((delivery,), views, person)
        elsewhere = all(set(view.request.channels) - {NAME} for view in views)
        stop_url = ""
        if elsewhere:
            if "digests" in await self._store.read(lambda c: rows.muted(c, person.id)):
                return {"list": "", "muted": True}
            stop_url = await self._links.url_of(views[0].request, person, "digests")
        listed = letter.lists(views, urls)
        await self._begun(listed, thread, person, told=LIST, stop_url=stop_url)
        return {"list": self._id(thread)}

    async def update(self, delivery: Delivery, view: RequestView) -> None:
        """Say in the thread what has changed, once. A list stays as it is."""
        reference = delivery.reference or {}
        if "list" in reference:
            if view.request.status is RequestStatus.PENDING and not reference.get("muted"):
                await self._addresses.of(self._person(delivery))  # it may have come back
            return
        thread, person = await self._thread(delivery, view), self._person(delivery)
        state = state_of(view.request)
        is_open = view.request.status is RequestStatus.PENDING
        if thread.bounced and is_open:
            await self.post(delivery, view)
            return
        if thread.bounced:
            return
        if is_open and thread.told.partition(";")[0] == state:
            await self._answered(thread, view, person)
            return
        if thread.told == state:
            return
        if not is_open:
            await self._ended(thread, view, person)
            return
        url = await self._links.url_of(view.request, person)
        said = letter.asks(view, url, hears=self._settings.hears, changed=True)
        said = said.model_copy(update={"subject": f"Re: {thread.subject}"})
        await self._send(said, thread, person, told=state, mark=mark_of(state))

    async def _answered(self, thread: MailThread, view: RequestView, person: Principal) -> None:
        """Tell whoever asked by mail what was answered, each once."""
        state, _, before = thread.told.partition(";")
        known = [key for key in before.split(",") if key]
        for question in view.questions:
            key = f"q{question.number}{question.status[0]}"
            mine = (question.asker, question.via) == (person.id, NAME)
            if not mine or key in known or question.status not in _ANSWERED:
                continue
            known.append(key)
            url = await self._links.url_of(view.request, person)
            said = letter.answered(question, url, thread.subject)
            await self._send(said, thread, person, told=f"{state};{','.join(known)}", mark=key)

    async def _ended(self, thread: MailThread, view: RequestView, person: Principal) -> None:
        """What was decided and what came of it, but to whoever has just decided it themselves."""
        if knows(view.request, person):
            return
        url = await self._links.url_of(view.request, person)
        said, state = letter.ended(view, url, thread.subject), state_of(view.request)
        await self._send(said, thread, person, told=state, mark=mark_of(state))

    def busy_s(self, delivery: Delivery) -> float:
        """How long until the relay is sent another one."""
        return self._relay.busy_s()

    async def say(self, conversation: Conversation, notice: Notice) -> None:
        """Sessions do not begin in mails."""
        raise NotFoundError("Nothing can be said by mail but what belongs to a request.")

    async def remind(self, delivery: Delivery, view: RequestView, prompt: Prompt) -> None:
        """Write in the thread; whoever does not want reminders is sent none. That it is over was
        said there already."""
        if view.request.status is not RequestStatus.PENDING:
            return
        thread, person = await self._thread(delivery, view), self._person(delivery)
        muted = await self._store.read(lambda c: rows.muted(c, person.id))
        if thread.bounced or ("reminders" in muted and not prompt.escalated):
            return
        url = await self._links.url_of(view.request, person)
        stop_url = ""
        if not prompt.escalated:
            stop_url = await self._links.url_of(view.request, person, "reminders")
        said = letter.reminds(view, prompt, url, thread.subject)
        mark = f"r{prompt.number}"
        await self._send(said, thread, person, mark=mark, stop_url=stop_url)

    async def tell_no_vote(self, thread: MailThread, view: RequestView, person: Principal) -> None:
        """That an answer which reads like a vote is a comment. Raises as `post`."""
        if view.request.status is not RequestStatus.PENDING:
            return
        url = await self._links.url_of(view.request, person)
        said = letter.no_vote(view, url, thread.subject)
        await self._send(said, thread, person, mark="n")

    def over(self, delivery: Delivery, view: RequestView) -> bool:
        """Once the request is decided and what came of it is known."""
        return view.is_over

    async def check(self) -> Sequence[CheckResult]:
        """Whether the relay takes our mail, and whether answers can be read."""
        found = list(await self._relay.check())
        for check in self._checks:
            found += await check()
        return found

    async def _thread(self, delivery: Delivery, view: RequestView) -> MailThread:
        """What was sent for this delivery; of all but the first in a list only the list is known.
        Raises NotFoundError."""
        found = await self._store.read(lambda c: rows.thread(c, delivery.id))
        if found is not None:
            return found
        listed = (delivery.reference or {}).get("list")
        if listed is None:
            raise NotFoundError("Nothing is known of this mail any more.")
        return MailThread(
            delivery_id=delivery.id,
            message_id=str(listed)[1:].partition("@")[0],
            request_id=view.request.id,
            principal_id=PrincipalId(delivery.target.removeprefix(_PERSON)),
            address="",
            subject=letter.subject_of([view]),
        )

    def _person(self, delivery: Delivery) -> Principal:
        """Whom it is for, with an address. Raises NotFoundError, NoRecipientError."""
        person = self._directory.by_id(delivery.target.removeprefix(_PERSON))
        if person is None:
            raise NotFoundError(f"There is nobody {delivery.target} any more.")
        if NAME not in person.identities:
            raise NoRecipientError(f"{person.name} has no identity {NAME}; add it in `people`.")
        return person

    async def _planned(
        self, deliveries: Sequence[Delivery], views: Sequence[RequestView], person: Principal
    ) -> tuple[MailThread, list[str]]:
        """The thread of the first one, kept before anything is sent, and a link to each request."""
        address = await self._addresses.of(person)
        now, (delivery, request) = self._clock.now(), (deliveries[0], views[0].request)
        subject = letter.subject_of(views)

        def plan(connection: Connection) -> tuple[MailThread, list[str]]:
            known = rows.thread(connection, delivery.id)
            thread = MailThread(
                delivery_id=delivery.id,
                message_id=secrets.token_hex(_ID_BYTES) if known is None else known.message_id,
                request_id=request.id,
                principal_id=person.id,
                address=address,
                subject=subject,
                told=SENDING,
            )
            rows.keep_thread(connection, thread, now)
            return thread, [self._links.add(connection, view.request, person) for view in views]

        return await self._store.write(plan)

    async def _begun(
        self, said: Letter, thread: MailThread, person: Principal, **more: str
    ) -> None:
        """Send the first mail of a thread. If it was certainly not taken, nobody has it."""
        try:
            await self._send(said, thread, person, **more)
        except UnansweredError:
            raise
        except UnavailableError:
            await self._store.write(lambda c: rows.record(c, thread.message_id, told=""))
            raise

    async def _send(
        self,
        said: Letter,
        thread: MailThread,
        person: Principal,
        *,
        told: str = "",
        mark: str = "",
        stop_url: str = "",
    ) -> None:
        """Hand it to the relay, and note what was `told`. A mail with a `mark` is a later one of
        its thread. Raises as `Channel.post`."""
        root = self._id(thread)
        address = await self._addresses.of(person)
        envelope = Envelope(
            sender=self._settings.sender,
            name=person.name,
            address=address,
            message_id=self._id(thread, mark) if mark else root,
            references=(root,) if mark else (),
            at=self._clock.now(),
            stop_url=stop_url,
            language=person.language or self._settings.language,
            marker=self._settings.subject_marker,
        )
        try:
            await self._relay.send(address, mail(said, envelope))
        except UnreachableError as exc:
            raise await self._addresses.closed(person, exc.reason) from exc
        await self._addresses.took(address)
        if told:
            await self._store.write(lambda c: rows.record(c, thread.message_id, told=told))

    def _id(self, thread: MailThread, mark: str = "") -> str:
        return f"<{'.'.join(filter(None, [thread.message_id, mark]))}@{self._settings.domain}>"
