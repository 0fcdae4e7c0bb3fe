"""Two calls on one card of Teams in the stories that are cut off: the renewal of a contract.

Its chats run side by side. The change of the record and the letter about it wait on one card; the
note for the next visit needs nobody and is written meanwhile.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from countersign.sandbox.botframework.desk import TeamsDesk
from countersign.sandbox.desk import NotDoneError
from countersign.sandbox.mailbox.desk import MailDesk
from tests.crash.crowd import Crowd
from tests.crash.invariants import ONCE
from tests.crash.voters import STOP
from tests.processes import ROOT

TASK = "renew Contoso, 26,000 EUR, closing 2026-12-30"
CHANGE, LETTER = "update_opportunity", "send_email"
CONTACT = "ana.ruiz@contoso.example"
TITLES = {CHANGE: "Update opportunity", LETTER: "Send email"}
STATES = {
    "executed": "✓ Approved and done",
    "rejected": "✗ Rejected",
    "in_doubt": "? In doubt",
}
"""What the card says of a call that has ended so."""
UNREACHABLE = "unreachable"
"""A card for somebody else who may decide it and has never written to the bot."""
AT_REST = {"executed": "closed", "rejected": "closed", "in_doubt": "live"}


def the_renewal(settings: dict[str, Any]) -> None:
    """Its workflow and its rules, and no other."""
    example = yaml.safe_load((ROOT / "examples" / "parallel.yaml").read_text())
    settings["workflows"]["modules"] = example["workflows"]["modules"]
    settings["policy"]["tools"] = example["policy"]["tools"]
    settings["policy"].pop("budgets", None)


def teams_of(crowd: Crowd) -> TeamsDesk:
    """The people in Teams."""
    assert crowd.teams is not None
    return crowd.teams


def guarded(crowd: Crowd, session: str) -> dict[str, dict[str, Any]]:
    """The two requests, by their tools."""
    items = crowd.get(f"/requests?session={session}&limit=100")["items"]
    found = {each["tool"]: each for each in items if each["tool"] in (CHANGE, LETTER)}
    assert len(found) == len([each for each in items if each["tool"] in found]), "asked twice"
    return found


def asked(crowd: Crowd) -> str:
    """Alex writes to the bot; the session whose two calls wait."""
    teams = teams_of(crowd)
    teams.forget()
    before = {s["id"] for s in crowd.patient(lambda: crowd.get("/sessions"), "a list")["items"]}
    if not teams.write(TASK):
        crowd.patient(teams.deliver_again, "the message to arrive")

    def started() -> list[str]:
        return [s["id"] for s in crowd.get("/sessions")["items"] if s["id"] not in before]

    session: str
    (session,) = crowd.patient(started, "the session")
    crowd.patient(lambda: len(guarded(crowd, session)) == 2, "both calls to wait")
    return session


def all_at_once(crowd: Crowd) -> str:
    """Both are approved by one click. Who sees an error clicks again."""
    session = asked(crowd)
    _click_until(crowd, session, lambda open_now: "approve_all" if open_now else "")
    return session


def one_by_one(crowd: Crowd) -> str:
    """The letter is opened and rejected, then the change that is left is approved."""
    session = asked(crowd)

    def rejected() -> bool:
        status = guarded(crowd, session)[LETTER]["status"]
        if status == "pending":
            for card in both_on(crowd, session)[-1:]:
                if not _clicked(crowd, card, "reject", comment=STOP):  # not open, or no answer
                    _clicked(crowd, card, card.way_to(LETTER))
        return bool(status != "pending")

    crowd.patient(rejected, "a rejection")
    _click_until(crowd, session, lambda open_now: "approve_all" if CHANGE in open_now else "")
    return session


STORIES = {"all at once": all_at_once, "one by one": one_by_one}
"""What they end with where nobody dies is in `ENDS`."""
ENDS = {
    "all at once": {CHANGE: "executed", LETTER: "executed"},
    "one by one": {CHANGE: "executed", LETTER: "rejected"},
}


@dataclass(frozen=True)
class Shown:
    """A message with a card, as everybody sees it now."""

    id: str
    verbs: Sequence[str]
    body: Sequence[dict[str, Any]]

    def way_to(self, tool: str) -> str:
        """The title of the button that opens this call."""
        found = re.search(rf"(\d+)\. {TITLES[tool]}", str(self.body))
        return f"Decide {found[1]} alone" if found else "nothing"


def both_on(crowd: Crowd, session: str) -> list[Shown]:
    """The cards of both calls."""
    change, letter = (each["id"] for each in guarded(crowd, session).values())
    return [
        Shown(found["id"], found["verbs"], found["activity"]["attachments"][0]["content"]["body"])
        for found in teams_of(crowd).activities()
        if found["from_bot"] and change in (text := str(found["activity"].get("attachments")))
        if letter in text
    ]


def _clicked(crowd: Crowd, card: Shown, what: str, **inputs: str) -> bool:
    """Whether the click was taken; not if there is no such button, or nobody to answer."""
    try:
        return teams_of(crowd).click(card.id, what, **inputs)[0] < 300
    except NotDoneError:
        return False


def _click_until(crowd: Crowd, session: str, what: Callable[[set[str]], str]) -> None:
    def decided() -> bool:
        waiting = {t for t, r in guarded(crowd, session).items() if r["status"] == "pending"}
        verb = what(waiting)
        if verb:
            for card in both_on(crowd, session)[-1:]:
                _clicked(crowd, card, verb)
        return not waiting

    crowd.patient(decided, "a decision on both")


def happened(crowd: Crowd) -> Counter[str]:
    """What the tools have really done: by the CRM's own record, and by the mails that arrived."""

    async def letters() -> int:
        async with MailDesk(str(crowd.one.mail["url"]), CONTACT) as desk:
            return len(await desk.mails(latest=200))

    done = Counter(effect["action"] for effect in crowd.one.effects())
    return done + Counter({LETTER: asyncio.run(letters())})


def check(crowd: Crowd, session: str, story: str, before: Counter[str]) -> Counter[str]:
    """Nothing is lost, nothing ran twice, and the card says of each call what came of it."""
    unrest = ""

    def rested() -> bool:
        nonlocal unrest
        unrest = _unrest(crowd, session)
        return not unrest

    try:
        crowd.patient(rested, "everything to come to rest")
    except AssertionError as exc:
        exc.add_note(unrest)
        raise
    requests = guarded(crowd, session)
    since = happened(crowd) - before
    ledger = crowd.get(f"/ledger?session={session}")

    assert ledger["verified"]
    assert [] == crowd.get(f"/requests?session={session}&status=executing")["items"]
    assert {} == {what: times for what, times in since.items() if times > 1}
    for tool, request in requests.items():
        ended, meant = request["status"], ENDS[story][tool]
        kinds = Counter(
            e["kind"] for e in ledger["items"] if e["body"].get("request") == request["id"]
        )
        assert ended == meant or (ended, meant) == ("in_doubt", "executed"), (tool, ended)
        assert {} == {kind: kinds[kind] for kind in ONCE if kinds[kind] > 1}
        assert (1, 1) == (kinds["voted"], kinds["decided"])
        assert ["alex"] == [vote["by"] for vote in request["votes"]]
        assert since[tool] <= (0 if meant == "rejected" else 1)
        assert ended != "executed" or 1 == since[tool]
    _close_lost_cards(crowd, session)
    return Counter(request["status"] for request in requests.values())


def _unrest(crowd: Crowd, session: str) -> str:
    """What is not done yet; empty if everything is."""
    status = crowd.get(f"/sessions/{session}")["status"]
    if status != "completed":
        return f"the session is {status}"
    requests = guarded(crowd, session)
    for tool, request in requests.items():
        shown = {d["status"] for d in request["deliveries"] if d["channel"] == "teams"}
        if shown - {UNREACHABLE} != {AT_REST.get(request["status"])}:
            return f"{tool} is {request['status']}, shown: {shown}"
    ended = {tool: STATES[request["status"]] for tool, request in requests.items()}
    said = [_said(card) for card in both_on(crowd, session)]
    if ended not in said:
        return f"the requests have ended so: {ended}, but the cards say: {said}"
    return ""


def _said(shown: Shown) -> dict[str, str]:
    """What a card says of each call."""
    found = {}
    for box in shown.body:
        runs = box.get("items", [{}])[0].get("inlines", [])
        texts = [run["text"].replace("\xa0", "") for run in runs]
        for tool, title in TITLES.items():
            if len(texts) > 1 and title in texts[0]:
                found[tool] = texts[1].partition(" by ")[0]
    return found


def _close_lost_cards(crowd: Crowd, session: str) -> None:
    """One that was posted by a server that died before it could write that down may be left; it
    is brought up to date once somebody clicks on it."""

    def live() -> list[Shown]:
        return [card for card in both_on(crowd, session) if "approve_all" in card.verbs]

    lost = live()
    assert len(lost) <= 1
    for card in lost:
        crowd.patient(lambda card=card: _clicked(crowd, card, "approve_all"), "an answer")  # type: ignore[misc]
    crowd.patient(lambda: not live(), "the lost card to be closed")
