"""The walk: one request after the other is shown, and decided by whoever sits there.

A vote names the digest that was on the screen, so what has changed since is not decided but shown
again. No input, the end of the input and a lost connection decide nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from countersign.approvals.errors import UnavailableError
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import JsonObject, QuestionStatus, RequestKind, RequestStatus
from countersign.bot.api.request_bodies import RequestBody
from countersign.bot.cli.server import ServerRefusedError
from countersign.bot.cli.walk.editing import WRONG, Editing
from countersign.bot.cli.walk.page import page
from countersign.bot.cli.walk.terminal import BAD, GOOD, SOFT, WARN, Left, Terminal

DONE, SOME_LEFT = 0, 3
"""Exit statuses: nothing waits any more, or something does."""
PAGE = 100
ANSWER_WAIT_S = 60
_OVER = ("already-decided", "expired", "closed", "not-found")
"""Problems after which nothing is left to decide."""


class Api(Protocol):
    """The server, as one person."""

    @property
    def url(self) -> str:
        """Where it is."""

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer. Raises ServerRefusedError or UnavailableError."""


class Walk:
    """Goes through what waits for one person."""

    def __init__(
        self,
        terminal: Terminal,
        api: Api,
        *,
        editor: str = "",
        sleep: Callable[[float], None] = time.sleep,
        answer_wait_s: int = ANSWER_WAIT_S,
    ):
        self._terminal, self._api, self._editor, self._sleep = terminal, api, editor, sleep
        self._answer_wait_s = answer_wait_s
        self._left: set[str] = set()

    def run(self, only: str | None = None) -> int:
        """The exit status, once nothing waits that was not skipped, or the person has left."""
        try:
            if only is not None:
                self._decide(only, "1 of 1")
            while only is None and (waiting := self._waiting()):
                for number, request_id in enumerate(waiting, 1):
                    self._decide(request_id, f"{number} of {len(waiting)}")
        except Left:
            self._say(WARN, "You have left; what was not decided waits as before.")
            return SOME_LEFT
        if self._left:
            self._say(WARN, f"{len(self._left)} left undecided.")
            return SOME_LEFT
        self._say(GOOD, "Nothing waits for you.")
        return DONE

    def foresee(self, request: RequestBody, arguments: JsonObject) -> JsonObject:
        """The server's preview of an edit. Raises ServerRefusedError."""
        body = {"digest": request.digest, "arguments": arguments}
        return self._api.call("POST", f"{_path(request.id)}/edits/preview", body)

    def _waiting(self) -> list[str]:
        """What waits for this person and was not left by them, oldest first."""
        found: list[str] = []
        query: dict[str, Any] = {"mine": "true", "limit": PAGE}
        while True:
            answer = self._api.call("GET", f"/api/v1/requests?{urlencode(query)}")
            found += [str(each["id"]) for each in answer["items"]]
            if not answer.get("next"):
                return [each for each in found if each not in self._left]
            query["cursor"] = answer["next"]

    def _decide(self, request_id: str, place: str) -> None:
        """Show it until it is decided or left. Raises Left."""
        self._left.add(request_id)
        while True:
            request = self._read(request_id)
            if request.status is not RequestStatus.PENDING:
                self._say(SOFT, f"{request_id} is {request.status}; there is nothing to decide.")
                break
            self._terminal.show(page(request, self._api.url, place))
            try:
                if self._answered(request):
                    return
                continue  # it is shown again, as it is now
            except ServerRefusedError as refusal:
                self._say(BAD, visible(str(refusal)))
                if refusal.kind == "stale-digest":
                    self._say(WARN, "It has changed since it was shown; this is how it is now.")
                    continue
                if refusal.kind in _OVER:
                    break
                return
        self._left.discard(request_id)

    def _answered(self, request: RequestBody) -> bool:
        """Whether the person is done with it; False: show it again. Raises Left and
        ServerRefusedError."""
        is_question = request.kind is RequestKind.INPUT
        edit = "" if is_question or not request.editable else "e edit, "
        yes = "a answer" if is_question else "a approve"
        prompt = f"{yes}, r reject, {edit}? ask the agent, s skip, q quit> "
        while True:
            match self._terminal.ask(prompt):
                case "a" if self._approved(request, is_question=is_question):
                    return True
                case "r" if self._rejected(request):
                    return True
                case "e" if edit:
                    changed = Editing(self._terminal, self, request, self._editor).run()
                    if changed is not None and self._vote(request, "modify", arguments=changed):
                        return True
                case "?" if self._asked(request):
                    return False
                case "s":
                    return True
                case "q":
                    raise Left
                case typed:
                    if typed not in ("a", "r", "e", "?"):
                        self._say(WARN, "Type one of these letters, then Enter.")
            self._say(SOFT, "Nothing is decided.")

    def _approved(self, request: RequestBody, *, is_question: bool) -> bool:
        if is_question:
            comment = self._terminal.ask("Your answer, which the agents read> ")
        elif any(step.is_open and step.comment_required for step in request.steps):
            comment = self._terminal.ask("Why do you approve it (its rule asks for that)> ")
        else:
            return self._vote(request, "approve")
        return bool(comment) and self._vote(request, "approve", comment=comment)

    def _rejected(self, request: RequestBody) -> bool:
        reason = self._terminal.ask("Why not? The agents read it> ")
        return bool(reason) and self._vote(request, "reject", comment=reason)

    def _vote(self, request: RequestBody, verdict: str, **more: Any) -> bool:
        """Whether it counts; False if another input may. Raises ServerRefusedError."""
        body = {"verdict": verdict, "digest": request.digest, **more}
        try:
            now = self._api.call("POST", f"{_path(request.id)}/votes", body)
        except ServerRefusedError as refusal:
            if refusal.kind not in WRONG:
                raise
            lines = refusal.errors or (str(refusal),)
            self._terminal.show([(BAD, visible(line)) for line in lines])
            return False
        waits = "; others have to decide it, too" if now["status"] == "pending" else ""
        self._say(GOOD, f"{request.id} is {now['status']}{waits}.")
        self._left.discard(request.id)
        return True

    def _asked(self, request: RequestBody) -> bool:
        text = self._terminal.ask("What do you want to know> ")
        if not text:
            return False
        asked = self._api.call("POST", f"{_path(request.id)}/questions", {"text": text})
        self._say(SOFT, "The agent is asked; Ctrl-C stops waiting for its answer.")
        try:
            for _ in range(self._answer_wait_s):
                known = self._read(request.id).questions
                if any(q.id == asked["id"] and q.status is not QuestionStatus.OPEN for q in known):
                    break
                self._sleep(1)
        except KeyboardInterrupt:
            self._say(SOFT, "")
        return True

    def _read(self, request_id: str) -> RequestBody:
        answer = self._api.call("GET", _path(request_id))
        try:
            return RequestBody.model_validate(answer)
        except ValidationError as exc:  # what this does not know, it cannot show
            raise UnavailableError(
                f"The server at {self._api.url} is of another version than this command: it "
                "says things that would not be shown here. Update the older one."
            ) from exc

    def _say(self, style: str, text: str) -> None:
        self._terminal.show([(style, text)])


def _path(request_id: str) -> str:
    return f"/api/v1/requests/{quote(request_id, safe='')}"
