"""Letters in the language of whom they are for.

Letters are written in English. What is ours in them, by its place, is said in the other language:
headings, names of facts, sentences. What agents, people, rules and tools have said stays as it is,
whatever it says.
"""

from __future__ import annotations

import re
from pathlib import Path

from countersign.connectors.document import Row
from countersign.connectors.email.letter import Letter, Section
from countersign.connectors.email.letter_of_calls import OUTCOMES
from countersign.connectors.sentences import line_said, ruled, times_said
from countersign.connectors.words import N_, SOURCE, Sentences, Words, words

LOCALES = Path(__file__).parent / "locale"
_OURS = ("Decide by", "Risk", "State")
"""Facts whose text is ours, too."""
_SENTENCES = Sentences(
    (
        N_(
            "Nothing can be decided in this mail: the link shows the request, and to decide "
            "it there you sign in. It is for you alone."
        ),
        N_("Answer this mail with a question to ask the agent, or to comment; it is never a vote."),
        N_("Answers to this mail are not read."),
        N_(
            "It can be undone until %(until)s by those who could approve it: its page shows "
            "what takes it back."
        ),
        N_("Read or undo it"),
        N_("What exactly would run"),
        N_("What the tool says"),
        N_("Why, in the agent's words"),
        N_("What the agent had proposed"),
        N_("Changed by"),
        N_("Details"),
        N_(
            "The agent %(agent)s wants to run %(tool)s, on behalf of %(who)s. Nothing has "
            "run; it runs once, with exactly these values, if it is approved."
        ),
        N_("This has changed since the mail before: what you read there counts no more."),
        N_("Not everything fits into a mail. The page behind the link shows all of it."),
        N_("Changed"),
        N_("Waits for you"),
        N_("Read and decide"),
        N_("Escalated"),
        N_("Reminder"),
        N_("Still undecided"),
        N_("It still waits for you"),
        N_("What for"),
        N_("Not decided"),
        N_("Your answer is on record, but it is no vote"),
        N_("Anybody could write a mail in your name, so nothing is decided by one."),
        N_("You asked"),
        N_("Looked up"),
        N_("Answered"),
        N_("Asked on"),
        N_("Your question is answered"),
        N_("A person is asked now"),
        N_("It is the agent's word, not a fact. The request still waits for you."),
        N_("The request still waits for you."),
        N_("Question"),
        N_("Comment"),
        N_("Result"),
        N_("Over"),
        N_("It is over"),
        N_("Nothing is left for you to do here."),
        N_("What came of it"),
        N_("Read it"),
        N_("Approved"),
        N_("It is approved, and runs"),
        N_("Done"),
        N_("It was approved, and ran once"),
        N_("Failed"),
        N_("It was approved, and failed"),
        N_("In doubt"),
        N_("It is not known whether it ran"),
        N_("Rejected"),
        N_("It was rejected, and does not run"),
        N_("Expired"),
        N_("Nobody decided in time; it does not run"),
        N_("Cancelled"),
        N_("It was cancelled, and does not run"),
        N_("Test"),
        N_("This was a test, and nothing was going to run"),
        N_("This was a test."),
        N_("%(count)s requests of low risk wait for you"),
        N_("%(count)s requests of low risk wait for your decision"),
        N_("List"),
        N_("Each link shows one of them, whole."),
        N_("Send me no more of these"),
        N_(
            "%(count)s calls wait together, proposed by %(agents)s on behalf of %(who)s. Nothing "
            "has run; each runs once, with exactly these values, if it is approved, and none "
            "before all of them are decided."
        ),
        N_("Of these %(count)s calls they only read."),
        N_("Of these %(count)s calls all can be undone."),
        N_("Of these %(count)s calls at least one can be undone by others only."),
        N_("Of these %(count)s calls at least one cannot be undone."),
        N_("In total"),
        N_("Why"),
        N_("State"),
        N_("This one is not asked here any more."),
        N_("… %(count)s more calls"),
        N_("%(count)s calls wait together behind the link."),
        N_("What came of each"),
        N_("All %(count)s calls are over"),
        N_(
            "To ask or say something of one call, begin with its number, for example “2: why this "
            "amount?”; without one it is about the first call that waits."
        ),
        N_("Approve %(count)s calls (low risk): %(names)s"),
        N_("Approve %(count)s calls (medium risk): %(names)s"),
        N_("Approve %(count)s calls (high risk): %(names)s"),
        N_("Approve %(tool)s (low risk): %(values)s"),
        N_("Approve %(tool)s (medium risk): %(values)s"),
        N_("Approve %(tool)s (high risk): %(values)s"),
        N_("Approve %(tool)s (low risk)"),
        N_("Approve %(tool)s (medium risk)"),
        N_("Approve %(tool)s (high risk)"),
        N_("Approve %(tool)s (low risk)…"),
        N_("Approve %(tool)s (medium risk)…"),
        N_("Approve %(tool)s (high risk)…"),
        N_("Who decides"),
        N_("Decide by"),
        N_("Step %(number)s"),
        N_("On call"),
        N_("Risk"),
        N_("Rule"),
        N_("Workflow"),
        N_("Request"),
        N_("Digest"),
        N_("Same call"),
        N_("Paused"),
        N_("Budget"),
        N_("Asked again"),
        N_("Proposed with it"),
        N_("Rollout"),
        N_("Failed beside it"),
        N_("Branch"),
        N_("no deadline"),
        N_("%(until)s; then nothing runs"),
        N_("%(until)s; then it runs"),
        N_("%(until)s; then the chat ends"),
        N_("%(until)s; then %(role)s is asked instead"),
        N_("%(until)s; then %(role)s is asked as well"),
        N_("low"),
        N_("medium"),
        N_("high"),
        N_("Reminder: %(what)s waits for your decision."),
        N_(
            "Reminder: %(what)s waits for your decision, until %(until)s; if nobody decides "
            "by then, it does not run."
        ),
        N_(
            "Reminder: %(what)s waits for your decision, until %(until)s; if nobody decides "
            "by then, it runs."
        ),
        N_(
            "Reminder: %(what)s waits for your decision, until %(until)s; if nobody decides "
            "by then, %(role)s is asked instead."
        ),
        N_(
            "Reminder: %(what)s waits for your decision, until %(until)s; if nobody decides "
            "by then, %(role)s is asked as well."
        ),
        N_(
            "Still undecided: %(what)s, until %(until)s; if nobody decides by then, it does "
            "not run. Escalated to %(role)s at %(at)s."
        ),
        N_("Nobody decided in time."),
        N_("Approved by %(who)s through %(via)s, %(at)s."),
        N_("Approved with changes by %(who)s through %(via)s, %(at)s."),
        N_("Changed by %(changers)s, and approved by %(who)s through %(via)s, %(at)s."),
        N_("Rejected by %(who)s through %(via)s, %(at)s."),
    )
)


def translated(letter: Letter, language: str) -> Letter:
    """The letter in one of the languages that there are."""
    if language == SOURCE:
        return letter
    spoken = words(LOCALES, language)
    return letter.model_copy(
        update={
            "language": language,
            "subject": subject(letter.subject, language),
            "badge": _said(spoken, letter.badge),
            "heading": _said(spoken, letter.heading),
            "lead": tuple(_said(spoken, line) for line in letter.lead),
            "top": tuple(_fact(spoken, row) for row in letter.top),
            "sections": tuple(_section(spoken, each) for each in letter.sections),
            "links": tuple(
                link.model_copy(update={"words": _said(spoken, link.words)})
                for link in letter.links
            ),
            "small": tuple(_said(spoken, line) for line in letter.small),
            "stop": letter.stop
            and letter.stop.model_copy(update={"words": _said(spoken, letter.stop.words)}),
        }
    )


def subject(text: str, language: str) -> str:
    """A subject, which an answer's mark may stand before."""
    mark = "Re: " if text.startswith("Re: ") else ""
    return mark + _said(words(LOCALES, language), text.removeprefix(mark))


def _said(spoken: Words, text: str) -> str:
    return _SENTENCES.said(spoken, text, lambda _, part: times_said(spoken.language, part))


def _fact(spoken: Words, row: Row) -> Row:
    """A fact: its name is ours, and of some its text."""
    is_ours = row.name in _OURS
    text = _said(spoken, row.text) if is_ours else _ruled(spoken.language, row.name, row.text)
    if row.name == "What for":
        text = subject(row.text, spoken.language)
    return row.model_copy(update={"name": _said(spoken, row.name), "text": text})


def _ruled(language: str, name: str, text: str) -> str:
    """What the rules say in a fact of this name."""
    if name in _RULED:
        return ruled(language, text)
    if name == "Who decides" or _STEP.fullmatch(name):
        return line_said(language, text)
    if name == "Rule":
        rule, mark, reason = text.partition(": ")
        return f"{rule}{mark}{ruled(language, reason)}"
    if name == "Budget":
        return "; ".join(line_said(language, line) for line in _BUDGETS.split(text))
    return text


def _section(spoken: Words, section: Section) -> Section:
    """Facts have names of ours; arguments, and what a tool says, have their own."""
    rows = section.rows
    if section.heading in _FACTS:
        rows = tuple(_fact(spoken, row) for row in rows)
    if section.heading == OUTCOMES:
        rows = tuple(_outcome(spoken, row) for row in rows)
    facts = tuple(_fact(spoken, row) for row in section.facts)
    heading = _said(spoken, section.heading)
    return section.model_copy(update={"heading": heading, "rows": rows, "facts": facts})


def _outcome(spoken: Words, row: Row) -> Row:
    """What was decided of a call is ours; what came of it is what its tool has said."""
    decided, mark, result = row.text.partition("\n")
    return row.model_copy(update={"text": f"{_said(spoken, decided)}{mark}{result}"})


_RULED = (
    "On call",
    "Proposed with it",
    "Same call",
    "Paused",
    "Rollout",
    "Asked again",
    "Failed beside it",
)
_STEP = re.compile(r"Step \d+")
_BUDGETS = re.compile(r"; (?!past its |\S+ [\d.,]+ is used of it)")
_FACTS = ("Details", "Question", "What came of it")
