"""Two calls in one mail in the stories that are cut off: the renewal of `one_card`."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Any

from countersign.sandbox.desk import NotDoneError
from countersign.sandbox.mailbox.desk import Mail, MailDesk
from countersign.sandbox.standins import ask_in
from tests.crash.crowd import Crowd
from tests.crash.invariants import ONCE
from tests.crash.one_card import TASK, guarded, happened, the_renewal
from tests.crash.stories import ALEX


def asked_by_mail(settings: dict[str, Any]) -> None:
    """The renewal, asked by mail and nowhere else."""
    the_renewal(settings)
    ask_in(settings, "email")


def told(crowd: Crowd, key: str) -> str:
    """Sam asks through the API; Alex follows the link of the mail, and approves each call on its
    own page. Whoever is answered with an error comes again."""
    session = str(crowd.patient(lambda: crowd.one.ask(TASK, key=key, workflow="renewal"), "it"))
    crowd.patient(lambda: len(guarded(crowd, session)) == 2, "both calls to wait")

    def decided() -> bool:
        requests = guarded(crowd, session)
        waits = [each["id"] for each in requests.values() if each["status"] == "pending"]
        if waits:
            asyncio.run(_approve(crowd, waits))
        return not waits

    crowd.patient(decided, "both to be decided")
    return session


async def _approve(crowd: Crowd, waits: list[str]) -> None:
    async with MailDesk(str(crowd.one.mail["url"]), ALEX) as desk:
        found = [m for m in await desk.mails(latest=10) if waits[0] in m.text and m.links]
        if not found:
            return
        with contextlib.suppress(NotDoneError):
            await desk.sign_in(crowd.one.url, "alex")
            for each in waits:
                page = await desk.open(found[-1].links[0])
                await desk.vote(await desk.alone(page, each), "approve")


def check(crowd: Crowd, session: str, before: Counter[str]) -> Counter[str]:
    """Nothing is lost, nothing ran twice, and one thread says of each call what came of it."""
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
    assert {} == {what: times for what, times in since.items() if times > 1}
    for tool, request in requests.items():
        kinds = Counter(
            e["kind"] for e in ledger["items"] if e["body"].get("request") == request["id"]
        )
        assert request["status"] in ("executed", "in_doubt"), (tool, request["status"])
        assert {} == {kind: kinds[kind] for kind in ONCE if kinds[kind] > 1}
        assert [("alex", "email")] == [(vote["by"], vote["via"]) for vote in request["votes"]]
        assert request["status"] != "executed" or 1 == since[tool]
    _check_thread(crowd, requests)
    return Counter(request["status"] for request in requests.values())


def _check_thread(crowd: Crowd, requests: dict[str, dict[str, Any]]) -> None:
    """One thread about both calls; a mail that was sent twice has the same id."""
    thread = _thread(crowd, requests)
    firsts = {m.headers["Message-ID"] for m in thread if "References" not in m.headers}
    ends = [m for m in thread if "All 2 calls are over" in m.text]

    assert 1 == len(firsts)
    assert ends
    assert len({m.headers["Message-ID"] for m in ends}) == len({_said(m) for m in ends})


def _said(mail: Mail) -> str:
    """What came of each; the links of a mail that was sent twice differ."""
    return mail.text.partition("What came of each")[2]


def _thread(crowd: Crowd, requests: dict[str, dict[str, Any]]) -> list[Mail]:
    mails = asyncio.run(_mails(crowd))
    ids = [each["id"] for each in requests.values()]
    roots = {
        m.headers["Message-ID"]
        for m in mails
        if "References" not in m.headers and any(each in m.text for each in ids)
    }
    return [m for m in mails if m.headers.get("References", m.headers["Message-ID"]) in roots]


async def _mails(crowd: Crowd) -> list[Mail]:
    async with MailDesk(str(crowd.one.mail["url"]), ALEX) as desk:
        return await desk.mails(latest=20)


def _unrest(crowd: Crowd, session: str) -> str:
    """What is not done yet; empty if everything is."""
    status = crowd.get(f"/sessions/{session}")["status"]
    if status != "completed":
        return f"the session is {status}"
    requests = guarded(crowd, session)
    shown = {d["status"] for r in requests.values() for d in r["deliveries"]}
    at_rest = {"live"} if "in_doubt" in {r["status"] for r in requests.values()} else set()
    if not shown <= {"closed", *at_rest}:
        return f"the deliveries are {shown}"
    if not any("All 2 calls are over" in m.text for m in _thread(crowd, requests)):
        return "the mail does not say what came of it"
    return ""
