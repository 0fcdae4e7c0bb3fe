"""The quick check of a session: what it calls sound, and where it wants a closer look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from countersign.approvals.audit.ledger import GENESIS, commitment, header_hash
from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.models import SessionId
from countersign.approvals.store import changes, schema, sound
from countersign.approvals.store.ledger import linked

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAME = SessionId("S-1")
TASK = "Pay what is due to ACME, and say what was paid, to whom, and when that was."
SOUND = '{"rows":[{"key":["S-1"],"set":{},"table":"sessions"}]}'
Row = dict[str, Any]
Body = Mapping[str, Any]


def told(**columns: Any) -> Body:
    """What an entry says that the row of the session holds."""
    return {"rows": [{"table": "sessions", "key": [NAME], "set": columns}]}


def of_vote(**more: Any) -> Body:
    row = {"table": "votes", "key": ["R-1", 1, "ben"], "set": {"via": "teams"}, **more}
    return {"rows": [row]}


def check(
    *bodies: Body, session: Body | None = None, private: Sequence[PrivateRule] = (), **entry: Any
) -> bool:
    """The quick check of a session with these entries; `entry` changes columns of the last one, and
    `session` those of its row."""
    given = [("session_completed", dict(body)) for body in bodies]
    rows, head = linked((0, GENESIS), NAME, AT, given, private)
    written: list[Row] = [dict(row) for row in rows]
    written[-1] |= entry
    columns = {"id": NAME, "status": "completed", "ledger_seq": head[0], "ledger_head": head[1]}
    row = {column.name: None for column in schema.sessions.c} | columns | dict(session or {})
    entries = [tuple(each[column.name] for column in schema.ledger.c) for each in written]
    return sound.is_sound(tuple(row.values()), entries, [])


def forged(body: str, at: str = "2026-03-02T09:00:00.000000+00:00") -> bool:
    """The quick check of a chain that was made anew by somebody who writes otherwise than we do."""
    salt = "00" * 16
    committed = commitment(salt, body)
    own = header_hash(NAME, 1, at, "noted", committed, GENESIS)
    columns: Row = {"at": at, "kind": "noted", "body": body, "salt": salt, "commitment": committed}
    return check({}, session={"ledger_head": own}, **columns, hash=own)


def test_rows_that_hold_what_was_said_are_sound() -> None:
    long = told(**changes.told({"task": TASK, "status": "completed"}))
    (hashed,) = [row["set"]["task"] for row in long["rows"]]

    assert hashed.startswith("sha256:")
    assert check(long, session={"task": TASK})
    assert not check(long, session={"task": TASK.upper()})
    assert not check(long, session={"task": hashed})
    assert check(told(status="completed", owner="ann"), session={"owner": "ann"})
    assert check(told(owner="ann"), told(owner="ben"), session={"owner": "ben"})
    assert not check(told(owner="ann"), told(owner="ben"), session={"owner": "ann"})
    assert check(told(), session={"owner": "ann"})


def test_a_row_that_was_taken_back_need_not_be_there() -> None:
    assert not check(told(), of_vote())
    assert check(told(), of_vote(), of_vote(gone=True))
    assert not check(told(), of_vote(), of_vote(gone=1))
    assert not check(told(), of_vote(), of_vote(other=True))


def test_a_session_that_lives_wakes_without_an_entry_and_does_not_end() -> None:
    waits = told(status="waiting", error=None)

    assert check(waits, session={"status": "running", "error": "no answer"})
    assert not check(waits, session={"status": "waiting"})  # no request of it does
    assert not check(waits, session={"status": "completed"})
    assert not check(waits, session={"status": "away"})


def test_fields_that_are_committed_to_on_their_own_are_checked() -> None:
    private = [PrivateRule(id="words", words=True)]
    body = {**told(owner="ann"), "comment": "Too dear."}

    assert check(body, session={"owner": "ann"}, private=private)
    assert not check(body, session={"owner": "ann"}, private=private, fields="{}")
    assert not check(body, session={"owner": "ann"}, private=private, fields="x")


@pytest.mark.parametrize(
    "body",
    [
        f" {SOUND}",
        f"{SOUND}\n",
        f"{SOUND} x",
        SOUND + "{}",
        SOUND.replace("{}", '{"error":NaN}'),
        SOUND.replace("]}", "]"),
        SOUND.replace("{}", '{"error":"\\ud800"}'),
        SOUND.replace("{}", '{"error":"a\nb"}'),
        SOUND.replace("{}", '{"workflow":01}'),
        SOUND.replace("{}", '{"unheard_of":null}'),
        f"[{SOUND}]",
        "{",
        "",
    ],
)
def test_a_body_that_nobody_writes_is_looked_at_closer(body: str) -> None:
    assert forged(SOUND) is True
    assert forged(body) is False


@pytest.mark.parametrize(
    "at",
    [
        "2026-03-02T09:00:00+00:00",
        "2026-03-02 09:00:00.000000+00:00",
        "2026-03-02T09:00:00.000000+01:00",
        "2026-02-30T09:00:00.000000+00:00",
        "2026-03-02T09:00:00.000000+00:00\n",
        '2026-03-02T09:00:00.000000","x":"',
    ],
)
def test_a_time_that_nobody_writes_is_looked_at_closer(at: str) -> None:
    assert forged(SOUND, at) is False


@pytest.mark.parametrize(
    "entry",
    [
        {"seq": 2},
        {"prev_hash": "1" * 64},
        {"hash": "1" * 64},
        {"kind": "voted"},
        {"kind": b"session_completed"},
        {"session_id": "S-2"},
        {"salt": ""},
        {"salt": "x"},
        {"body": "{}"},
        {"body": b"{}"},
        {"commitment": ""},
    ],
)
def test_an_entry_with_another_column_is_looked_at_closer(entry: Row) -> None:
    assert check(told()) is True
    assert check(told(), **entry) is False


def test_a_chain_that_ends_elsewhere_is_looked_at_closer() -> None:
    assert not check(told(), session={"ledger_seq": 2})
    assert not check(told(), session={"ledger_head": GENESIS})


def test_forms_of_rows_are_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sound, "SHAPES", 1)
    sound.OF["sessions"].shapes.clear()
    one, two = told(owner="ann"), told(owner="ann", workflow="w")

    for _ in range(2):
        assert check(one, session={"owner": "ann"})
        assert check(two, session={"owner": "ann", "workflow": "w"})
    assert 1 == len(sound.OF["sessions"].shapes)
