"""Slack in the stories that are cut off: Sam writes to the app, Alex presses the button."""

from __future__ import annotations

from typing import Any

from countersign.connectors.slack.starting import START, WORKFLOW
from countersign.connectors.slack.starting import TASK as TASK_BLOCK
from countersign.sandbox.desk import NotDoneError
from countersign.sandbox.remote import Remote
from tests.crash.crowd import Crowd
from tests.stack import TASK

SAM, ALEX = "U0SAM", "U0ALEX"
TITLES = {"executed": "✓ Approved and done", "in_doubt": "? In doubt"}


def slack_of(crowd: Crowd) -> Remote:
    """The switches of the workspace."""
    return Remote(str(crowd.one.slack["url"]), crowd.one.http)


def messages(crowd: Crowd) -> list[dict[str, Any]]:
    """All of them, the first one first."""
    found: list[dict[str, Any]] = slack_of(crowd).call("GET", "messages")["messages"]
    return found


def in_slack(crowd: Crowd, _: str) -> str:
    """Sam writes what is wanted, of which Slack tells again and again; Alex presses Approve until
    the message shows that this counted."""
    before = {s["id"] for s in crowd.patient(lambda: crowd.get("/sessions"), "a list")["items"]}
    at = slack_of(crowd)
    written = at.act({"user": SAM, "write": TASK})
    again = {"user": SAM, "again": written["answer"]["ts"], "channel": f"D{SAM[1:]}"}

    def started() -> list[str]:
        found = [s["id"] for s in crowd.get("/sessions")["items"] if s["id"] not in before]
        if not found:
            at.act(again)
        return found

    session: str
    (session,) = crowd.patient(started, "the session")
    at.act(again)  # also once it has begun

    _approve(crowd, session)
    return session


def by_form(crowd: Crowd, key: str) -> str:
    """Sam uses the command and sends the form that it opens, again and again until something else
    stands there; Alex presses Approve."""
    before = {s["id"] for s in crowd.patient(lambda: crowd.get("/sessions"), "a list")["items"]}
    at = slack_of(crowd)

    shown: dict[str, Any] = {}

    def is_form() -> bool:
        return bool(shown.get("callback_id") == START)

    def send() -> None:
        filled = {WORKFLOW: _number(shown), TASK_BLOCK: TASK}
        after = at.act({"user": SAM, "submit": filled})["modal"] or {}
        shown.clear()
        shown.update(after)

    def started() -> list[str]:
        """A form that was sent and says nothing is sent again, also if it has started one."""
        if not shown:
            shown.update(at.act({"user": SAM, "command": ""})["modal"] or {})
        if is_form():
            send()
        found = [s["id"] for s in crowd.get("/sessions")["items"] if s["id"] not in before]
        if not found and not is_form():
            shown.clear()
        return [] if is_form() else found

    session: str
    (session,) = crowd.patient(started, f"the session of {key}")
    _approve(crowd, session)
    return session


def _number(form: dict[str, Any]) -> str:
    """Of the sales quote among the workflows."""
    (select,) = [b["element"] for b in form["blocks"] if b.get("block_id") == WORKFLOW]
    (number,) = [o["value"] for o in select["options"] if o["text"]["text"] == "Sales quote"]
    return str(number)


def _approve(crowd: Crowd, session: str) -> None:
    def waiting() -> list[dict[str, Any]]:
        items = crowd.get(f"/requests?session={session}&limit=100")["items"]
        return [r for r in items if r["tool"] == "release_quote"]

    (request,) = crowd.patient(waiting, "the request")

    def decided() -> bool:
        for message in asking(crowd, request["id"])[-1:]:
            click = {"user": ALEX, "channel": message["channel"], "ts": message["ts"]}
            try:
                slack_of(crowd).act({**click, "click": "approve"})
            except NotDoneError:  # it was drawn again meanwhile, without the button
                pass
        return bool(waiting()[0]["status"] != "pending")

    crowd.patient(decided, "a decision")


def asking(crowd: Crowd, request_id: str) -> list[dict[str, Any]]:
    """Messages on which it can be approved."""
    return [m for m in messages(crowd) if _has(m, "approve", request_id)]


def check_slack(crowd: Crowd, session: str, request: dict[str, Any]) -> None:
    """One message says what came of it; one that a dead server has posted without noting it may
    be left, and says so once it is pressed. One session, and what is said of it in its thread."""
    said = [m for m in messages(crowd) if request["id"] in str(m["blocks"])]
    ended = [m for m in said if TITLES[request["status"]] in str(m["blocks"])]
    thread = [m for m in messages(crowd) if m.get("thread_ts") and session in str(m["blocks"])]

    assert ended, said
    for lost in asking(crowd, request["id"]):
        where = {"user": ALEX, "channel": lost["channel"], "ts": lost["ts"]}
        crowd.patient(
            lambda where=where: slack_of(crowd).act({**where, "click": "approve"}),  # type: ignore[misc]
            "an answer",
        )
    crowd.patient(lambda: not asking(crowd, request["id"]), "the lost message to be drawn again")
    assert len({m["thread_ts"] for m in thread}) <= 1


def _has(message: dict[str, Any], action: str, request_id: str) -> bool:
    rows = [b["elements"] for b in message["blocks"] if b["type"] == "actions"]
    return any(
        each["action_id"] == action and request_id in each.get("value", "")
        for row in rows
        for each in row
    )
