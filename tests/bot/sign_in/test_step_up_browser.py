"""Step-up in Chromium: a passkey of a virtual authenticator, and a fresh sign-in at the issuer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, CDPSession, Page, async_playwright, expect

from countersign.approvals.models import RequestStatus
from countersign.approvals.store import governance
from tests.bot.sign_in.world import World, signing_in
from tests.e2e.conftest import FLAGS, chromium
from tests.e2e.looked_at import looked_at

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]
PASSKEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with signing_in(tmp_path_factory.mktemp("step-up"), request.param) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        await browser.close()


@dataclass
class Device:
    """A virtual authenticator of one page."""

    cdp: CDPSession
    id: str

    async def send(self, command: str, **options: Any) -> Any:
        return await self.cdp.send(f"WebAuthn.{command}", {"authenticatorId": self.id, **options})


@pytest_asyncio.fixture(loop_scope="module")
async def page(chrome: Browser) -> AsyncIterator[Page]:
    """A browser in which nobody is signed in; what it complains of fails the test."""
    context = await chrome.new_context(viewport={"width": 1200, "height": 900})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    yield page
    await context.close()

    assert [] == [said for said in complaints if "status of 4" not in said]


@pytest_asyncio.fixture(loop_scope="module")
async def device(page: Page) -> Device:
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": PASSKEY})
    return Device(cdp, made["authenticatorId"])


async def sign_in(page: Page, world: World, person: str, path: str = "/inbox/me") -> None:
    await page.goto(f"{world.url}{path}")
    await page.get_by_role("link", name="Sign in with Microsoft").click()
    await page.get_by_role("button", name=person).click()
    await page.wait_for_url(f"{world.url}{path}")


async def add_passkey(page: Page, name: str) -> None:
    await page.get_by_label("Name of the new passkey").fill(name)
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_role("cell", name=name, exact=True)).to_be_visible()


async def test_a_passkey_is_added_and_approves_what_its_owner_was_shown(
    world: World, page: Page, device: Device
) -> None:
    await page.goto(f"{world.url}/inbox/me")
    await looked_at(page, "sign-in")
    await sign_in(page, world, "Alex Wilber")
    await add_passkey(page, "My laptop")
    await looked_at(page, "me")
    request = await world.waiting(to="ceo", amount=10)
    await page.goto(f"{world.url}/inbox/requests/{request.id}/step-up")
    await expect(page.get_by_text("ceo", exact=True)).to_be_visible()
    await looked_at(page, "step-up")
    await page.get_by_role("button", name="Approve with a passkey").click()
    await expect(page.get_by_role("heading", name="It is approved")).to_be_visible()
    (vote,) = await world.records.votes(request.id)
    told = [e.kind for e in await world.store.read(governance.entries)]

    assert RequestStatus.APPROVED is (await world.now(request)).status
    assert vote.proof is not None
    assert ("passkey", request.digest, "alex") == (
        vote.proof.method, vote.proof.digest, vote.proof.principal_id,
    )  # fmt: skip
    assert "passkey_added" in told
    assert () == (await world.records.verify()).problems


async def test_a_device_that_does_not_know_its_user_leaves_everything_as_it_was(
    world: World, page: Page, device: Device
) -> None:
    request = await world.waiting(to="cfo", amount=11)
    await sign_in(page, world, "Megan Bowen")
    await add_passkey(page, "Key")
    await page.goto(f"{world.url}/inbox/requests/{request.id}/step-up")
    await page.get_by_label("Comment").fill("Fine by me.")
    await device.send("setUserVerified", isUserVerified=False)
    await page.get_by_role("button", name="Approve with a passkey").click()
    await expect(page.get_by_role("alert")).to_contain_text("gave no proof", timeout=70_000)
    await looked_at(page, "step-up-no-proof")
    kept = await page.get_by_label("Comment").input_value()

    assert "Fine by me." == kept
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_a_fresh_sign_in_approves(world: World, page: Page) -> None:
    request = await world.waiting(to="coo", amount=12)
    await sign_in(page, world, "Alex Wilber", f"/inbox/requests/{request.id}/step-up")
    await page.get_by_role("link", name="Sign in again to approve").click()
    await page.get_by_role("button", name="Alex Wilber").click()
    await expect(page.get_by_text("You have signed in again")).to_be_visible()
    await looked_at(page, "step-up-signed-in")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("heading", name="It is approved")).to_be_visible()
    await looked_at(page, "step-up-done")
    (vote,) = await world.records.votes(request.id)

    assert vote.proof is not None
    assert "sign_in" == vote.proof.method


async def test_somebody_else_who_signs_in_again_proves_nothing(world: World, page: Page) -> None:
    request = await world.waiting(to="cto", amount=13)
    await sign_in(page, world, "Alex Wilber", f"/inbox/requests/{request.id}/step-up")
    await page.get_by_role("link", name="Sign in again to approve").click()
    await page.get_by_role("button", name="Megan Bowen").click()
    await expect(page.get_by_role("heading", name="That was somebody else")).to_be_visible()

    assert RequestStatus.PENDING is (await world.now(request)).status
