"""Answers to what people write to the bot: texts only; the sending is done elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import CountersignError, NotFoundError
from countersign.approvals.forms.told import decided, denied, stands
from countersign.approvals.forms.wording import as_text, cut_visibly
from countersign.approvals.models import (
    Actor,
    ConversationKey,
    PauseKind,
    PauseScope,
    Placing,
    Request,
    RequestStatus,
    Session,
    SessionId,
    SessionStatus,
)
from countersign.approvals.records import Records
from countersign.approvals.rules.eligibility import asked, missing
from countersign.approvals.rules.pausing import known_in
from countersign.approvals.rules.placing import wider_audience
from countersign.approvals.rules.unreachable import unreachable
from countersign.connectors.conversing.command_texts import (
    PENDING_SHOWN,
    help_text,
    pauses_text,
    pending_text,
    the_scope,
    workflows_text,
)
from countersign.connectors.conversing.phrases import Command
from countersign.connectors.conversing.said import Kind, Text
from countersign.connectors.system import WorkflowInfo

SESSIONS_SHOWN = 10
REQUESTS_SHOWN = 50
ANSWER_SHOWN = 1_000
"""Characters of the agents' last words, or of why it ended."""
OPEN = frozenset({SessionStatus.RUNNING, SessionStatus.WAITING})


class Commands:
    """Carries out the fixed commands."""

    def __init__(
        self,
        approvals: Approvals,
        records: Records,
        workflows: Sequence[WorkflowInfo],
        placing: Placing,
    ) -> None:
        self._approvals, self._records, self._workflows = approvals, records, workflows
        self._placing = placing

    async def answer(
        self,
        command: Command,
        here: ConversationKey,
        asker: Actor,
        clicker: Actor,
        kind: Kind = "personal",
        *,
        shows: str = "card",
    ) -> Text:
        """The answer. `asker` owns sessions, `clicker` decides requests; usually the same. `shows`
        is what shows a request there."""
        match command.name:
            case "help":
                return Text(help_text(self._workflows, kind, shows))
            case "workflows":
                return Text(workflows_text(self._workflows))
            case "pending":
                wider = wider_audience(self._placing, kind)
                return pending_text(await self.pending(clicker), elsewhere=wider, shows=shows)
            case "status":
                return await self._status(command.session_id, here, asker, kind)
            case "cancel":
                return await self._cancel(command.session_id, here, asker)
            case "pauses":
                return pauses_text(await self._records.pauses())
            case "pause" | "resume":
                return await self._switch(command, clicker)

    async def _switch(self, command: Command, clicker: Actor) -> Text:
        """Pause or resume, if they may."""
        pausing, scope = self._approvals.pausing, command.scope or PauseScope(kind=PauseKind.ALL)
        try:
            if command.name == "resume":
                ended = await pausing.resume(scope, clicker)
                return Text(f"{the_scope(ended.scope)} goes on. It was {as_text(ended.words)}")
            known = known_in(self._workflows)
            begun = await pausing.pause(scope, command.reason, clicker, known)
        except CountersignError as error:
            return Text(str(error), markdown=False)
        how = "all" if scope.kind is PauseKind.ALL else f"{scope.kind} {scope.name}"
        return Text(
            f"{the_scope(begun.scope)} is paused. What waits keeps waiting, and can be decided. "
            f"`resume {how}` lets it go on."
        )

    async def pending(self, clicker: Actor) -> Sequence[Request]:
        """What waits for this person."""
        if clicker.principal is None:
            return ()
        return await self._records.waiting_for(clicker.principal, limit=PENDING_SHOWN)

    async def _status(
        self, session_id: str, here: ConversationKey, asker: Actor, kind: Kind
    ) -> Text:
        if session_id:
            session = await self._visible(session_id, here, asker)
            sessions = [session] if session else []
            none = f"There is no session `{session_id}` that you can see."
        else:
            page = await self._records.sessions(
                conversation=here, limit=SESSIONS_SHOWN, reader=asker.principal
            )
            sessions = list(page.items)
            none = (
                "No session was started in this chat yet. Write `workflows` to see what I can do."
            )
        if not sessions:
            return Text(none)
        newest, *others = sessions
        # What people wrote and tools returned is for where it was asked, and for the asker alone.
        whole = kind == "personal" or newest.conversation == here
        wider = wider_audience(self._placing, kind)
        lines = [await self.line(newest, whole=whole, wider_audience=wider)]
        lines += [await self.line(session) for session in others]
        return Text("\n".join(lines))

    async def under_way(self, here: ConversationKey) -> list[Session]:
        """The sessions of this chat that are not over, newest first."""
        page = await self._records.sessions(conversation=here, limit=SESSIONS_SHOWN)
        return [session for session in page.items if session.status in OPEN]

    async def second_thought(self, sessions: Sequence[Session]) -> Text:
        """To whoever writes, while these sessions of theirs are under way, what starts nothing."""
        lines = [await self.line(session) for session in sessions]
        ends = " or ".join(f"`cancel {session.id}`" for session in sessions)
        return Text(
            "\n".join(
                [
                    "Nothing was started, and what is under way was not changed:",
                    "",
                    *lines,
                    "",
                    f"To have it otherwise, write {ends}, and then all that you want as a new "
                    "message. Something else begins with the name of a workflow (`workflows`).",
                ]
            )
        )

    async def nothing_to_decide(self, reason: str, sessions: Sequence[Session]) -> Text:
        """To whoever decides in words where nothing waits for them; `sessions` are under way."""
        lines = [await self.line(session) for session in sessions]
        under_way = ["", "Under way here:", "", *lines] if lines else []
        return Text("\n".join([reason, *under_way]))

    async def _visible(
        self, session_id: str, here: ConversationKey, asker: Actor
    ) -> Session | None:
        """The session, if it was begun here, or is the asker's, or the asker is an admin."""
        try:
            session = await self._records.session(session_id)
            if asker.principal is not None:
                await self._records.require_session_seen(asker.principal, session_id)
        except NotFoundError:
            return None
        principal = asker.principal
        own = principal is not None and (
            principal.id == session.owner or "admin" in principal.roles
        )
        return session if own or session.conversation == here else None

    def title(self, session: Session) -> str:
        """The session's workflow as people call it."""
        titles = {each.name: each.title for each in self._workflows}
        return titles.get(session.workflow, session.workflow)

    async def line(
        self, session: Session, *, whole: bool = False, wider_audience: bool = False
    ) -> str:
        """How it stands, with whom it waits for; with `whole`, what was decided and came of it, but
        for a `wider_audience` without reasons and values."""
        lines = [f"- **{self.title(session)}** `{session.id}`: {session.status}"]
        if session.status in OPEN and session.error:
            lines[0] += f", cannot go on right now: {as_text(session.error)}"
        if whole or session.status is SessionStatus.WAITING:
            page = await self._records.requests(session_id=session.id, limit=REQUESTS_SHOWN)
            shown = [r for r in page.items if r.status is RequestStatus.PENDING or whole]
            lines += [f"  - {text}" for text in await self._stand(session, shown, wider_audience)]
        if whole and (end := session.answer or (session.status not in OPEN and session.error)):
            lines.append(f"  - {as_text(cut_visibly(end, ANSWER_SHOWN))}")
        return "\n".join(lines)

    async def _stand(
        self, session: Session, requests: Sequence[Request], wider_audience: bool
    ) -> list[str]:
        """What people had or have to do with each of these; no line for what a rule allowed."""
        around = await self._records.around([request.id for request in requests])
        sessions = await self._records.sessions_of(requests)
        pauses = await self._records.pauses()
        found = []
        for request in requests:
            votes, deliveries = around[request.id]
            if request.status is not RequestStatus.PENDING and not (
                decided(request) or denied(request)
            ):
                continue
            people = self._records.views.eligible(request, votes, session)
            told = denied(request) or stands(request, people, missing(asked(request, votes)))
            text = told.to(wider_audience=wider_audience)
            if request.status is RequestStatus.PENDING:
                text = "; ".join([text.rstrip("."), *unreachable(deliveries)])
            if held := self._records.views.paused(pauses, request, sessions[request.session_id]):
                text = f"{text.rstrip('.')}; {as_text(held)}"
            found.append(text)
        return found

    async def _cancel(self, session_id: str, here: ConversationKey, asker: Actor) -> Text:
        if not session_id:
            still = await self.under_way(here)
            if not still:
                return Text("Nothing is running in this chat.")
            if len(still) > 1 or still[0].status is SessionStatus.WAITING:
                return await self._which(still)
            session_id = still[0].id
        try:
            session = await self._approvals.cancel(SessionId(session_id), asker)
        except CountersignError as error:
            return Text(str(error), markdown=False)
        return Text(f"Session `{session.id}` is cancelled. What had not run will not run.")

    async def _which(self, sessions: Sequence[Session]) -> Text:
        """Asks before it ends what waits for people, or one of several."""
        lines = [await self.line(session) for session in sessions]
        if len(sessions) == 1:
            how = f"Nothing was cancelled yet. To end it, write `cancel {sessions[0].id}`."
        else:
            each = " or ".join(f"`cancel {session.id}`" for session in sessions)
            how = f"Which one? Write {each}."
        return Text("\n".join([*lines, "", how]))
