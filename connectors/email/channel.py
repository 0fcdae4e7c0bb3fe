"""What people are sent: one thread for each of them and request, kept as the request stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from countersign.approvals.errors import NoRecipientError, NotFoundError
from countersign.approvals.models import (
    Conversation,
    Delivery,
    JsonObject,
    Notice,
    Placing,
    Principal,
    QuestionStatus,
    RequestStatus,
)
from countersign.approvals.ports import Prompt, RequestView
from countersign.approvals.store import mail as rows
from countersign.approvals.store.mail import Kind, MailThread
from countersign.approvals.tickets import CheckResult
from countersign.connectors.email import letter, letter_of_calls
from countersign.connectors.email.letter import NAME, knows, mark_of, state_of
from countersign.connectors.email.relay import Relay
from countersign.connectors.email.settings import EmailSettings
from countersign.connectors.email.several import Several
from countersign.connectors.email.threads import LIST, Threads
from countersign.connectors.system import Deployment
from countersign.connectors.ticketing.kept import calls_in

ONE: Kind = "request"
Check = Callable[[], Awaitable[Sequence[CheckResult]]]

_ANSWERED = (QuestionStatus.ANSWERED, QuestionStatus.HANDED_OVER)


class EmailChannel:
    """`approvals.ports.Channel` over an SMTP relay."""

    name = NAME
    placing = Placing(identity=NAME, together=True)

    def __init__(
        self,
        settings: EmailSettings,
        relay: Relay,
        deployment: Deployment,
        checks: Sequence[Check] = (),
    ):
        """`checks` are of what belongs to it besides the relay."""
        self._settings, self._relay, self._checks = settings, relay, checks
        self._store = deployment.store
        self._threads = Threads(settings, relay, deployment)
        self._several = Several(settings, self._threads, deployment)

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Write to the person. After a crash the same mail goes out again with the same id, so that
        programs show it once or below itself."""
        if view.calls:
            return await self._several.post(delivery, view)
        person = self._threads.person(delivery)
        if view.request.status is not RequestStatus.PENDING:
            return await self._told_after_all(delivery, view, person)
        subject = letter.subject_of([view])
        of, leads = [(delivery.id, view.request)], [(view.request, ONE)]
        thread, (url,) = await self._threads.planned(of, person, subject, leads)
        asked = letter.asks(view, url, hears=self._settings.hears)
        await self._threads.begun(asked, thread, person, told=state_of(view.request))
        return {"message": self._threads.id_of(thread)}

    async def _told_after_all(
        self, delivery: Delivery, view: RequestView, person: Principal
    ) -> JsonObject:
        """It was decided meanwhile: whoever may have been sent it is told so. Raises
        NoRecipientError if nobody was."""
        thread = await self._store.read(lambda c: rows.thread(c, delivery.id))
        if thread is None or not thread.told:
            raise NoRecipientError("It was decided before it could be sent.")
        await self._ended(thread, view, person)
        return {"message": self._threads.id_of(thread)}

    async def post_list(self, delivery: Delivery, views: Sequence[RequestView]) -> JsonObject:
        """Write what waits, with a link to each; whoever does not want lists is sent none where
        each of them is shown elsewhere, too."""
        person = self._threads.person(delivery)
        of, leads = [(delivery.id, views[0].request)], [(view.request, ONE) for view in views]
        thread, urls = await self._threads.planned(of, person, letter.subject_of(views), leads)
        elsewhere = all(set(view.request.channels) - {NAME} for view in views)
        stop_url = ""
        if elsewhere:
            if "digests" in await self._store.read(lambda c: rows.muted(c, person.id)):
                return {"list": "", "muted": True}
            stop_url = await self._threads.links.url_of(views[0].request, person, "digests")
        listed = letter.lists(views, urls)
        await self._threads.begun(listed, thread, person, told=LIST, stop_url=stop_url)
        return {"list": self._threads.id_of(thread)}

    async def update(self, delivery: Delivery, view: RequestView) -> None:
        """Say in the thread what has changed, once. A list stays as it is."""
        reference = delivery.reference or {}
        if delivery.calls:
            await self._several.update(delivery, view)
            return
        if "list" in reference:
            if view.request.status is RequestStatus.PENDING and not reference.get("muted"):
                await self._threads.addresses.of(
                    self._threads.person(delivery)
                )  # it may have come back
            return
        thread, person = await self._threads.thread(delivery, view), self._threads.person(delivery)
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
        url = await self._threads.links.url_of(view.request, person)
        said = letter.asks(view, url, hears=self._settings.hears, changed=True)
        said = said.model_copy(update={"subject": f"Re: {thread.subject}"})
        await self._threads.send(said, thread, person, told=state, mark=mark_of(state))

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
            url = await self._threads.links.url_of(view.request, person)
            said = letter.answered(question, url, thread.subject)
            await self._threads.send(
                said, thread, person, told=f"{state};{','.join(known)}", mark=key
            )

    async def _ended(self, thread: MailThread, view: RequestView, person: Principal) -> None:
        """What was decided and what came of it, but to whoever has just decided it themselves."""
        if knows(view.request, person):
            return
        url = await self._threads.links.url_of(view.request, person)
        said, state = letter.ended(view, url, thread.subject), state_of(view.request)
        await self._threads.send(said, thread, person, told=state, mark=mark_of(state))

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
        thread, person = await self._threads.thread(delivery, view), self._threads.person(delivery)
        muted = await self._store.read(lambda c: rows.muted(c, person.id))
        if thread.bounced or ("reminders" in muted and not prompt.escalated):
            return
        calls = calls_in(delivery, view)
        url = await self._threads.links.url_of(view.request, person, "calls" if calls else ONE)
        stop_url = ""
        if not prompt.escalated:
            stop_url = await self._threads.links.url_of(view.request, person, "reminders")
        said = letter.reminds(view, prompt, url, thread.subject)
        if calls:
            said = letter_of_calls.reminds(said, calls)
        mark = f"r{prompt.number}"
        await self._threads.send(said, thread, person, mark=mark, stop_url=stop_url)

    async def tell_no_vote(
        self, thread: MailThread, view: RequestView, person: Principal, *, calls: bool = False
    ) -> None:
        """That an answer which reads like a vote is a comment; `calls`: to a mail of several.
        Raises as `post`."""
        if view.request.status is not RequestStatus.PENDING:
            return
        kind: Kind = "calls" if calls else ONE
        url = await self._threads.links.url_of(view.request, person, kind)
        said = letter.no_vote(view, url, thread.subject)
        await self._threads.send(said, thread, person, mark="n")

    def over(self, delivery: Delivery, view: RequestView) -> bool:
        """Once the request is decided and what came of it is known."""
        return view.is_over

    async def check(self) -> Sequence[CheckResult]:
        """Whether the relay takes our mail, and whether answers can be read."""
        found = list(await self._relay.check())
        for check in self._checks:
            found += await check()
        return found
