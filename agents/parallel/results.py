"""Results: what came of the branches, for the chat that follows them or as the last word."""

from __future__ import annotations

from collections.abc import Mapping

from countersign.agents.parallel.records import Record
from countersign.approvals.forms.causes import Ending, SessionCause

HEADING = "What came of it, by branch:"


def all_failed(records: Mapping[str, Record]) -> bool:
    """Whether none has come to an answer."""
    return not any(record.is_good for record in records.values())


def task_of(task: str, records: Mapping[str, Record]) -> str:
    """What the chat that follows begins with: the task, and every result in the declared order."""
    return "\n\n".join([task, HEADING, *(_line(*each) for each in records.items())])


def ending(records: Mapping[str, Record]) -> Ending:
    """How all of them ended, where no chat follows: every answer, and every branch that failed."""
    good = {name: record for name, record in records.items() if record.is_good}
    answer = "\n\n".join(_line(*each) for each in good.items())
    bad = [
        (name, record.ending)
        for name, record in records.items()
        if name not in good and record.ending is not None
    ]
    if not bad:
        return Ending(cause=SessionCause.ANSWERED, answer=answer)
    words = [f"Branch {name} failed: {_words(ended)}" for name, ended in bad]
    return Ending(
        cause=bad[0][1].cause,
        words=" ".join([*words, *([f"The others: {answer}"] if answer else [])]),
        open_calls=tuple(call for _, ended in bad for call in ended.open_calls),
    )


def _line(name: str, record: Record) -> str:
    ended = record.ending
    if ended is None:
        return f"{name}: nothing"
    if record.is_good:
        return f"{name}: {ended.answer or ended.words or 'done'}"
    return f"{name} failed: {_words(ended)}"


def _words(ended: Ending) -> str:
    return ended.words or ended.answer or ended.cause.value
