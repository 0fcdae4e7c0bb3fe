"""Requests in the inbox: found, read, decided, changed; without JavaScript."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.models import ChatState, InParallel, Proposal, ToolCall
from tests.bot.inbox_world import Browser, inbox


def path(request: dict[str, Any]) -> str:
    return f"/inbox/requests/{request['id']}"


async def test_what_waits_is_found_read_and_approved(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting({"to": "ceo@example.com", "amount": 10})
        alex = await world.signed_in("alex")
        assert alex.path == "/inbox"
        assert path(request) in alex.text

        text = await alex.open(path(request))
        for shown in (
            "ceo@example.com", "The customer asked for it.", "send it", "Sam Carter",
            request["digest"], "Shall I?",
        ):  # fmt: skip
            assert shown in text, shown
        await alex.send(
            f"{path(request)}/votes", digest=request["digest"], verdict="approve", comment=""
        )
        assert alex.path == f"{path(request)}?said=decided"
        assert "Your decision counts." in alex.text
        _, after = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
        assert [("alex", "approve", "inbox")] == [
            (vote["by"], vote["verdict"], vote["via"]) for vote in after["votes"]
        ]
        assert "Nothing waits for you." in await alex.open("/inbox")


async def test_calls_of_chats_side_by_side_stand_together(tmp_path: Path) -> None:
    """With the branch of each, what all of them come to, and the branches that failed; the
    conversation is that of the branch. In German, too."""
    async with inbox(tmp_path) as world:
        _, session = await world.api.call(
            "POST", "/api/v1/sessions", person="sam", json={"workflow": "echo", "task": "both"}
        )
        runs = world.api.chats.runs
        run = await runs.begin(session["id"])
        assert run is not None
        proposals = [
            Proposal(
                call=ToolCall(
                    session_id=session["id"], call_id=f"{branch}.0.0", tool="send",
                    arguments={"to": to, "amount": amount, "currency": "EUR"},
                    agent=branch, executor=f"{branch}_gate",
                ),
                parallel=InParallel(branch=branch, failed={"facts": "The model refused."}),
            )
            for branch, to, amount in (("mail", "ceo", 1200), ("crm", "cfo", 50))
        ]  # fmt: skip
        parts = {
            name: {"stage": "open", "chat": {"messages": [{"role": "user", "content": f"{name}?"}]}}
            for name in ("mail", "crm")
        }
        state = ChatState(json.dumps({"branches": parts}), "0" * 64)
        first, _ = await runs.submit(run, proposals, state=state)
        alex = await world.signed_in("alex")
        text = await alex.open(f"/inbox/requests/{first.id}")
        here = f"/inbox/requests/{first.id}"
        german = await alex.open(here, **{"Accept-Language": "de"})

        assert "In total <b>1,250 EUR</b>." in text
        assert '<span class="soft">crm</span>' in text
        assert "<b>facts</b>: The model refused." in text
        assert "mail?" in text
        assert "crm?" not in text
        assert "Daneben gescheitert" in german


async def test_to_reject_needs_a_reason_and_what_was_typed_is_not_lost(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting()
        alex = await world.signed_in("alex")
        await alex.open(path(request))
        await alex.send(f"{path(request)}/votes", digest=request["digest"], verdict="reject")
        assert alex.status == 422
        assert 'role="alert"' in alex.text

        wrong = "approve, but only 5 of them"
        await alex.send(
            f"{path(request)}/votes", digest=request["digest"], verdict="approve", comment=wrong
        )
        assert alex.status == 422
        assert wrong in alex.text

        await alex.send(
            f"{path(request)}/votes", digest=request["digest"], verdict="reject", comment="No."
        )
        assert "rejected" in alex.text
        _, after = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
        assert after["status"] == "rejected"


async def test_arguments_are_changed_in_a_form_with_problems_at_their_fields(
    tmp_path: Path,
) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting({"to": "ceo", "amount": 10})
        alex = await world.signed_in("alex")
        await alex.open(path(request))
        edits, digest = f"{path(request)}/edits", request["digest"]
        await alex.send(edits, digest=digest, **{"arg.to": "cfo", "arg.amount": "many"})
        assert alex.status == 422
        assert 'value="many"' in alex.text
        assert 'value="cfo"' in alex.text
        assert re.search(r'id="arg-2-problem">A number is needed', alex.text)
        assert 'aria-describedby="arg-2-problem"' in alex.text

        await alex.send(edits, digest=digest, **{"arg.to": "ceo", "arg.amount": "10"})
        assert alex.status == 422
        assert "You changed nothing." in alex.text

        await alex.send(edits, digest=digest, **{"arg.to": "cfo", "arg.amount": "5"})
        assert alex.status == 200, alex.text
        assert "<del>ceo</del>" in alex.text
        assert "<ins>cfo</ins>" in alex.text
        assert 2 == alex.text.count("Changed by <b>Alex Wilber</b>")
        assert "Geändert von <b>Alex" in await alex.open(path(request), **{"Accept-Language": "de"})
        receipt = await alex.open(f"{path(request)}/receipt")
        assert "Changed by <b>Alex Wilber</b>" in receipt
        _, after = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
        assert ({"to": "cfo", "amount": 5}, "approved") == (after["arguments"], after["status"])


async def test_whoever_is_second_is_told_who_was_first(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting()
        alex, megan = await world.signed_in("alex"), await world.signed_in("megan")
        for browser in (alex, megan):
            await browser.open(path(request))
        vote = {"digest": request["digest"], "verdict": "approve"}
        await alex.send(f"{path(request)}/votes", **vote)
        await megan.send(f"{path(request)}/votes", **vote, comment="Good.")

        assert megan.status == 409
        assert "Alex Wilber" in megan.text
        assert "Good." in megan.text


async def test_whoever_may_not_decide_is_told_why_and_their_vote_is_refused(
    tmp_path: Path,
) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting()
        adele, sam = await world.signed_in("adele"), await world.signed_in("sam")
        for browser in (adele, sam):
            text = await browser.open(path(request))
            assert "/votes" not in text
            await browser.send(
                f"{path(request)}/votes", digest=request["digest"], verdict="approve"
            )
            assert browser.status == 403
        _, after = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
        assert after["status"] == "pending"
        await adele.open("/inbox/requests/R-nowhere")
        assert adele.status == 404
        await adele.open("/inbox/requests/" + "x" * 300)
        assert adele.status == 404


async def test_a_vote_is_taken_back_and_so_is_an_approval(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting()
        alex = await world.signed_in("alex")
        await alex.open(path(request))
        await alex.send(f"{path(request)}/withdrawal")
        assert alex.status == 422
        await alex.send(f"{path(request)}/votes", digest=request["digest"], verdict="approve")
        assert "Take the approval back" in alex.text
        await alex.send(f"{path(request)}/revocation", reason="", ask_again="1")
        assert alex.status == 422
        await alex.send(f"{path(request)}/revocation", reason="Wrong customer.", ask_again="1")
        assert "it is asked again" in alex.text
        _, after = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
        assert (after["status"], after["revision"]) == ("pending", 2)


async def test_what_was_done_is_undone_on_its_page(tmp_path: Path) -> None:
    """It is offered to who may, in time; then the page says how that stands, and the other one."""
    async with inbox(tmp_path) as world:
        request = await world.api.done()
        sam = await world.signed_in("sam")
        assert "Undo it" not in await sam.open(path(request))
        alex = await world.signed_in("alex")
        offered = (await alex.open(path(request))).partition("This calls Look, once")[2]
        assert "<dt>To</dt>\n<dd>ceo</dd>" in offered
        await alex.send(f"{path(request)}/undo", reason="")
        assert (alex.status, "why this has to be undone" in alex.text) == (422, True)
        await alex.send(f"{path(request)}/undo", reason="Wrong customer.")
        assert "It is being undone" in alex.text
        assert "Alex Wilber has it undone" in alex.text
        assert "Undo it" not in alex.text

        _, body = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
        undo = await world.api.chats.propose(body["undo"]["attempts"][0]["session_id"], {"to": "x"})
        assert "The call that it takes back" in await alex.open(path({"id": undo.id}))
        assert "Wrong customer." in alex.text
        assert undo.id in await alex.open(path(request))


async def test_an_undo_is_not_offered_after_its_time(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.done()
        world.api.clock.advance(hours=1)
        alex = await world.signed_in("alex")
        assert "Undo it" not in await alex.open(path(request))


async def test_a_doubt_is_resolved_with_what_was_found(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.doubted()
        alex = await world.signed_in("alex")
        assert "Did it take effect?" in await alex.open(path(request))
        await alex.send(f"{path(request)}/resolution", note="It is in the outbox.")
        assert alex.status == 422
        assert "It is in the outbox." in alex.text
        await alex.send(f"{path(request)}/resolution", happened="yes", note="It is in the outbox.")
        assert "on the record" in alex.text
        _, after = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
        assert after["status"] == "executed"


async def _ends_while_typing(world: Any, browser: Browser, target: str, **typed: str) -> None:
    world.api.clock.advance(hours=2)
    await browser.send(target, **typed)
    assert browser.status == 401
    for name, value in typed.items():
        assert browser.hidden(name) == value


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_session_that_ends_while_typing_does_nothing_and_loses_nothing(
    database: str,
    tmp_path: Path,
) -> None:
    async with inbox(tmp_path, database=database) as world:
        request = await world.api.waiting({"to": "ceo", "amount": 10})
        alex = await world.signed_in("alex")
        await alex.open(path(request))
        typed = {"digest": request["digest"], "verdict": "reject", "comment": 'No: "too" dear'}
        await _ends_while_typing(world, alex, f"{path(request)}/votes", **typed)
        kept = {name: alex.hidden(name) for name in typed}
        await alex.sign_in("alex")
        await alex.send(f"{path(request)}/votes", csrf="0", **kept, again="1")
        assert alex.status == 200
        assert "No: &#34;too&#34; dear</textarea>" in alex.text
        _, after = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
        assert after["votes"] == []

        edit = {"digest": request["digest"], "arg.to": "cfo", "arg.amount": "x"}
        await _ends_while_typing(world, alex, f"{path(request)}/edits", **edit)
        await alex.sign_in("alex")
        await alex.send(f"{path(request)}/edits", csrf="0", again="1", **edit)
        assert 'value="cfo"' in alex.text
        assert 'value="x"' in alex.text

        # from elsewhere nobody puts words into a form
        await alex.send(f"{path(request)}/votes", headers={"Sec-Fetch-Site": "cross-site"}, **typed)
        assert alex.status == 403
        assert "too" not in alex.text


async def test_the_list_is_searched_and_filtered_and_goes_on_by_pages(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        for number in range(33):
            world.api.clock.advance(1)
            await world.api.waiting({"to": f"person-{number}", "amount": number})
        alex = await world.signed_in("alex")
        first = alex.text
        assert first.count("data-row ") == 30
        (further,) = re.findall(r'href="([^"]+)" rel="next"', first)
        second = await alex.open(further.replace("&amp;", "&"))
        assert second.count("data-row ") == 3
        assert "person-32" in second

        found = await alex.open("/inbox?q=PERSON-7+send")
        assert (1, True) == (found.count("data-row "), "person-7" in found)
        assert 'value="PERSON-7 send"' in found
        assert "Nothing fits." in await alex.open("/inbox?q=nobody")
        assert "Nothing fits." in await alex.open("/inbox?due=1h")
        assert "person-1" in await alex.open("/inbox?due=24h")
        assert "Nothing fits." in await alex.open("/inbox?risk=low")
        part = await alex.open("/inbox?part=1")
        assert "<html" not in part
        assert "data-live" in part
        await alex.open("/inbox?cursor=nonsense")
        assert alex.status == 422


async def test_the_agent_is_asked_before_deciding(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting()
        alex, adele = await world.signed_in("alex"), await world.signed_in("adele")
        assert "Ask the agent" in await alex.open(path(request))
        await alex.send(f"{path(request)}/questions", text=" ")
        assert alex.status == 422
        await alex.send(f"{path(request)}/questions", text="Who is <b>ceo</b>?")
        assert "The agent is asked." in alex.text
        assert "Who is &lt;b&gt;ceo&lt;/b&gt;?" in alex.text
        assert "its answer will stand here" in alex.text
        await alex.send(f"{path(request)}/answers", question=f"{request['id']}.1", text="Me.")
        assert alex.status in (403, 409)
        await alex.send(f"{path(request)}/answers", question="R-OTHER.1", text="Me.")
        assert alex.status == 404

        assert "Ask the agent" not in await adele.open(path(request))
        await adele.send(f"{path(request)}/questions", text="May I?")
        assert adele.status == 403


async def test_what_waits_is_sorted_as_one_likes(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        first = await world.api.waiting()
        world.api.clock.advance(1)
        second = await world.api.waiting()
        alex = await world.signed_in("alex")
        for sort, wanted in (("", first), ("newest", second), ("due", first), ("odd", first)):
            text = await alex.open(f"/inbox?sort={sort}")
            found = re.findall(r'data-row href="/inbox/requests/([^"]+)"', text)
            assert (wanted["id"], 2) == (found[0], len(found)), sort
        assert "1,000" not in text
        assert "1,000" in await alex.open("/inbox?sort=risk")
