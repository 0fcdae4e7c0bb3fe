"""Intents of messages: text in, one of a few wishes out. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from countersign.approvals.models import PauseKind, PauseScope
from countersign.connectors.system import WorkflowInfo

TASK_LIMIT = 20_000
_SESSION = re.compile(r"(status|cancel)\s+`?(S-[A-Za-z0-9_-]{1,64})`?", re.IGNORECASE)
_CANCELS = frozenset(
    {"cancel", "cancel it", "cancel that", "stop", "stop it", "abort", "never mind", "nevermind",
     "forget it"}
)  # fmt: skip
_PAUSES = re.compile(
    r"(pause|resume)\s+(?:(all|everything)|(tool|workflow|agent|domain)\s+`?([^\s:`]{1,200})`?)"
    r"(?:\s*:\s*(\S.*))?",
    re.IGNORECASE | re.DOTALL,
)
_DECIDES = re.compile(
    r"(?:(?:please|ok|okay|yes|i|we|lgtm)\b[\s,]*)*(?:approve|reject|decline|deny)d?"
    r"(?:\s+(?:it|this|that|them|all|`?R-[A-Za-z0-9_-]{1,64}`?))?[\s.!]*",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:and\s+|so\s+)?(?:is|was|are|were|has|have|did|does|when|who|what|what'?s|where|why|how|any)\b"
    r".*\b(?:status|state|approved?|approval|decided?|decision|rejected|signed|yet|done|finished|"
    r"ready|waiting|waits?|pending|progress|news|happen\w*)\b.*",
    re.IGNORECASE,
)
_ASKED_IN = 120
"""Characters of a question about how things stand; a longer one is about something else as well."""
_GREETINGS = frozenset({"", "help", "hi", "hello", "hey", "start", "?"})


@dataclass(frozen=True)
class Command:
    """One of the fixed words, with a session id where one was given."""

    name: Literal["help", "workflows", "pending", "status", "cancel", "pauses", "pause", "resume"]
    session_id: str = ""
    scope: PauseScope | None = None
    """What is paused or resumed."""
    reason: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether it names what it is about, so that it can be no answer to anything."""
        return bool(self.session_id) or self.scope is not None


@dataclass(frozen=True)
class Start:
    """Start this workflow with this task."""

    workflow: WorkflowInfo
    task: str


@dataclass(frozen=True)
class Unclear:
    """It may be a task, but not for exactly one workflow, or not one that can be started."""

    reason: str
    maybe: WorkflowInfo | None = None
    """The one workflow that is named somewhere in it, which is too little to start it."""
    decides: bool = False
    """It is a word for a decision, which only the buttons of a card take."""


def understand(text: str, workflows: Sequence[WorkflowInfo]) -> Command | Start | Unclear:
    """What `text` (without the mention of the bot) asks for."""
    words = text.strip()
    plain = words.lower().strip(" .!/`")
    if plain in _GREETINGS:
        return Command("help")
    if plain in {"workflows", "pending", "status", "pauses"}:
        return Command(plain)  # type: ignore[arg-type]
    if plain in _CANCELS:
        return Command("cancel")
    if found := _SESSION.fullmatch(words):
        return Command(found[1].lower(), found[2])  # type: ignore[arg-type]
    if found := _PAUSES.fullmatch(words):
        return _pause(*found.groups())
    if _DECIDES.fullmatch(words):
        return Unclear("Nothing waits for your decision here.", decides=True)
    wish = _start(words, workflows)
    if isinstance(wish, Unclear) and len(words) <= _ASKED_IN and _ASKS.fullmatch(words):
        return Command("status")
    return wish


def _pause(verb: str, everything: str | None, kind: str, name: str, why: str | None) -> Command:
    scope = PauseScope(kind=PauseKind.ALL)
    if not everything:
        scope = PauseScope(kind=PauseKind(kind.lower()), name=name)
    return Command(verb.lower(), scope=scope, reason=(why or "").strip())  # type: ignore[arg-type]


def _start(words: str, workflows: Sequence[WorkflowInfo]) -> Start | Unclear:
    named = _named(words, workflows)
    if named is None and (unknown := re.match(r"(?i)run\s+\S+", words)):
        if not _mentioned(words[unknown.end() :], workflows):
            return Unclear("I have no workflow of that name.")
    if named is None:
        triggered = _triggered(words, workflows)
        if len(triggered) > 1:
            titles = " or ".join(f"**{workflow.title}**" for workflow in triggered)
            return Unclear(f"That could be {titles}. Please name the workflow.")
        if not triggered:
            mentioned = _mentioned(words, workflows)
            maybe = mentioned[0] if len(mentioned) == 1 else None
            return Unclear("I do not know which workflow this is for.", maybe)
        named = Start(triggered[0], words)
    if not named.task:
        return Unclear(
            f"What should **{named.workflow.title}** do? Write the task behind its name."
        )
    if len(named.task) > TASK_LIMIT:
        return Unclear(
            f"That task has {len(named.task):,} characters; {TASK_LIMIT:,} is the most. "
            "Nothing was started. Please shorten it."
        )
    return named


def _named(words: str, workflows: Sequence[WorkflowInfo]) -> Start | None:
    """`sales_quote: task`, `run sales_quote task`; the title works in place of the name."""
    for workflow in workflows:
        for name in (workflow.name, workflow.title):
            pattern = rf"(?:run\s+{re.escape(name)}(?:\s*:\s*|\s+|$)|{re.escape(name)}\s*:\s*)(.*)"
            if found := re.fullmatch(pattern, words, re.IGNORECASE | re.DOTALL):
                return Start(workflow, found[1].strip())
    return None


_OPENING = (
    r"(?:(?:hi|hello|hey|please|kindly|can|could|you|i|we|need|want|to|run|start|make|create|"
    r"prepare|give|get|me|us|an?|new|another)\b[\s,.!:]*){0,8}"
)
"""What people write before the word that says what they want."""


def _triggered(words: str, workflows: Sequence[WorkflowInfo]) -> list[WorkflowInfo]:
    """Those whose trigger, name or title the message begins with: a word somewhere in a sentence
    may be about anything."""
    return _with(words, workflows, lambda word: re.compile(rf"{_OPENING}{word}", re.IGNORECASE))


def _mentioned(words: str, workflows: Sequence[WorkflowInfo]) -> list[WorkflowInfo]:
    """Those that the message names anywhere."""
    return _with(words, workflows, lambda word: re.compile(rf"(?s).*?(?<!\w){word}", re.IGNORECASE))


def _with(
    words: str, workflows: Sequence[WorkflowInfo], pattern: Callable[[str], re.Pattern[str]]
) -> list[WorkflowInfo]:
    return [
        workflow
        for workflow in workflows
        if any(
            pattern(rf"{re.escape(name)}(?!\w)").match(words)
            for name in (*workflow.triggers, workflow.name, workflow.title)
        )
    ]
