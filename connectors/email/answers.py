"""Answers: what comes back by mail becomes a question to the agent or a comment, or says that
somebody cannot be reached.

It comes from a mailbox that is read (`imap`) or from a mail provider that calls us; either may
bring the same mail twice. A vote never comes this way.
"""

from __future__ import annotations

import re
from typing import Literal

import structlog

from countersign.approvals.errors import CountersignError, NotFoundError, UnavailableError
from countersign.approvals.forms.together import waiting
from countersign.approvals.models import Actor, Principal, Via
from countersign.approvals.store import mail as rows
from countersign.approvals.store.mail import MailThread
from countersign.approvals.tickets import ActKey
from countersign.connectors.comments.numbered import named_question
from countersign.connectors.comments.questions import question_in
from countersign.connectors.email.addresses import Addresses
from countersign.connectors.email.channel import EmailChannel
from countersign.connectors.email.incoming import Incoming, read
from countersign.connectors.email.letter import NAME
from countersign.connectors.email.settings import EmailSettings
from countersign.connectors.email.threads import LIST
from countersign.connectors.system import Deployment, Inbound

log = structlog.get_logger(__name__)
Taken = Literal["question", "comment", "bounce", "known", "ignored"]
_DECIDES = re.compile(
    r"\W*(approved?|reject(ed)?|den(y|ied)|declined?|yes|no|ok(ay)?|lgtm|agreed?|go( ahead)?"
    r"|genehmigt|freigegeben|abgelehnt|ja|nein|oui|non|sí|si)\b",
    re.IGNORECASE,
)
"""What reads like a vote: whoever writes it is told that it is none."""


_PARAGRAPH = re.compile(r"\n\s*\n")
_SIGNATURE = re.compile(r"^-- ?$", re.MULTILINE)


def question_of(said: str) -> str:
    """What an answer asks the agent: it begins with an agreed word, or its first paragraph ends in
    a question mark; "" if it asks nothing."""
    own = _SIGNATURE.split(said, maxsplit=1)[0].strip()
    first = _PARAGRAPH.split(own, maxsplit=1)[0].rstrip()
    return question_in(own) or (own if first.endswith("?") else "")


class Answers:
    """Takes mails, each once."""

    def __init__(
        self,
        settings: EmailSettings,
        channel: EmailChannel,
        deployment: Deployment,
        inbound: Inbound,
    ):
        self._domain, self._channel = settings.domain, channel
        self._store, self._directory = deployment.store, deployment.directory
        self._addresses = Addresses(deployment.conversations, deployment.clock)
        self._approvals, self._records = inbound.approvals, inbound.records

    async def take(self, raw: bytes) -> Taken:
        """What became of a mail. Raises UnavailableError if nothing can be done with it now: it is
        to be brought again."""
        found = read(raw, self._domain)
        threads = await self._threads(found)
        if found.kind == "bounce" and threads:
            return await self._came_back(found, threads)
        if found.kind == "answer" and threads:
            return await self._answered(found, threads)
        log.info("mail ignored", reason=found.why or "it answers no mail that is known")
        return "ignored"

    async def _threads(self, found: Incoming) -> list[MailThread]:
        for message_id in found.threads:
            known = await self._store.read(lambda c, of=message_id: rows.threads(c, of))  # type: ignore[misc]
            if known:
                return list(known)
        return []

    async def _came_back(self, found: Incoming, threads: list[MailThread]) -> Taken:
        """Note that the address takes no mail, and let its deliveries fail where people see it."""
        thread = threads[0]
        person = self._directory.by_id(thread.principal_id)
        if found.sender not in ("", thread.address.lower()) or person is None:
            log.info("mail ignored", reason="it came back from somebody else")
            return "ignored"
        if thread.bounced:
            return "known"
        reason = f"{thread.address} sends mail back: {found.why}"
        log.warning("mail came back", person=person.id, reason=reason)
        if person.identities.get(NAME, "") == thread.address:
            await self._addresses.closed(person, reason)
        await self._store.write(lambda c: rows.record(c, thread.message_id, bounced=reason))
        await self._approvals.look_again(NAME, person.id)
        return "bounce"

    async def _answered(self, found: Incoming, threads: list[MailThread]) -> Taken:
        thread, calls = threads[0], len(threads)
        person = self._directory.by_id(thread.principal_id)
        if person is None or person.identities.get(NAME, "").lower() != found.sender:
            log.info("mail ignored", reason="it is not from whom ours was sent to")
            return "ignored"
        if thread.told == LIST:
            log.info("mail ignored", reason="it answers a list, so nobody knows what it is about")
            return "ignored"
        asked = question_of(found.said)
        if calls > 1:
            thread, asked = await self._of_one(found, threads, asked)
        if asked:
            taken = await self._ask(found, thread, person, asked, calls)
            if taken is not None:
                return taken
        return await self._comment(found, thread, person, calls)

    async def _of_one(
        self, found: Incoming, threads: list[MailThread], asked: str
    ) -> tuple[MailThread, str]:
        """The call of a mail of several that an answer is about, and what it asks without naming
        it: the one whose number it begins with; else the first that waits. Any where none is there
        any more."""
        of = {thread.request_id: thread for thread in threads}
        try:
            view = await self._records.view(threads[0].request_id)
        except NotFoundError:
            return threads[0], asked
        batch = sorted([view.request, *view.siblings], key=lambda each: each.position)
        calls = [each for each in batch if each.id in of]
        number, text = named_question(asked or found.said, len(calls))
        if number is not None:
            return of[calls[number - 1].id], text if asked else ""
        return of[next(iter(waiting(calls)), calls[0]).id], asked

    async def _ask(
        self, found: Incoming, thread: MailThread, person: Principal, asked: str, calls: int
    ) -> Taken | None:
        """Ask the agent; None where they may not ask now: then it is a comment."""
        act = ActKey(channel=NAME, ticket_id=thread.message_id, act_id=f"{found.id}?")
        try:
            await self._records.require_seen(person, thread.request_id)
            questions = self._approvals.questions
            new = await questions.ask(thread.request_id, _actor(person, found), asked, act=act)
        except UnavailableError:
            raise
        except CountersignError as exc:
            log.info("not asked by mail", request_id=thread.request_id, reason=str(exc))
            return None
        if new is None and await self._was_refused(act):
            return None
        await self._addresses.took(found.sender)
        if new is None:
            return "known"
        log.info("asked by mail", request_id=thread.request_id, by=person.id)
        if _DECIDES.match(found.said):
            await self._tell(thread, person, calls)
        return "question"

    async def _was_refused(self, act: ActKey) -> bool:
        known = await self._records.acted(act)
        return known is not None and bool(known.reason)

    async def _comment(
        self, found: Incoming, thread: MailThread, person: Principal, calls: int
    ) -> Taken:
        actor = _actor(person, found)
        act = ActKey(channel=NAME, ticket_id=thread.message_id, act_id=found.id)
        try:
            await self._records.require_seen(person, thread.request_id)
            new = await self._approvals.comment(thread.request_id, actor, found.said, act=act)
        except NotFoundError:
            log.info("mail ignored", reason="its request is not there, or not for them, any more")
            return "ignored"
        await self._addresses.took(found.sender)
        if not new:
            return "known"
        log.info("commented by mail", request_id=thread.request_id, by=person.id)
        if _DECIDES.match(found.said):
            await self._tell(thread, person, calls)
        return "comment"

    async def _tell(self, thread: MailThread, person: Principal, calls: int) -> None:
        """That it was no vote; if that cannot be sent, they find it out by themselves."""
        view = await self._records.view(thread.request_id)
        try:
            await self._channel.tell_no_vote(thread, view, person, calls=calls > 1)
        except CountersignError as exc:
            log.warning("answer not sent", reason=str(exc))


def _actor(person: Principal, found: Incoming) -> Actor:
    return Actor(principal=person, via=Via(NAME), identity=f"{NAME}:{found.sender}")
