"""The inbox on the real service and store, as a browser without JavaScript uses it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import CookieJar
from aiohttp.test_utils import TestClient

from tests.bot.api_world import World, running

ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class Browser:
    """One person's browser: its cookies, and the page that it shows."""

    def __init__(self, world: World, client: TestClient[Any, Any]):
        self.world, self.client = world, client
        self.status, self.text, self.path = 0, "", ""
        self.headers: Mapping[str, str] = {}

    async def open(self, path: str, **headers: str) -> str:
        """Go to a page; what it says."""
        async with self.client.get(path, headers=headers) as response:
            await self._keep(response)
        return self.text

    async def _keep(self, response: Any) -> None:
        self.status, self.path = response.status, response.url.path_qs
        self.headers, self.text = response.headers, await response.text()

    @property
    def csrf(self) -> str:
        """The token of the forms on the page."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.text)
        assert found, self.text
        return found[1]

    def hidden(self, name: str) -> str:
        """A hidden field of the page."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found, f"no {name} in {self.text}"
        return unescape(found[1])

    async def send(self, path: str, headers: Any = ORIGIN, **fields: Any) -> str:
        """Send a form of the page, with its token unless `csrf` is another one."""
        body = {"csrf": fields.pop("csrf", "") or self.csrf, **fields}
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        async with self.client.post(path, data=urlencode(body), headers=sent) as response:
            await self._keep(response)
        return self.text

    async def sign_in(self, person: str) -> None:
        """As one of the people of local mode."""
        await self.open("/inbox/sign-in")
        await self.send("/inbox/sign-in/local", person=person)
        assert self.status == 200, self.text


class InboxWorld:
    """A running inbox, and browsers in front of it."""

    def __init__(self, api: World):
        self.api = api
        self._browsers: list[TestClient[Any, Any]] = []

    def browser(self) -> Browser:
        """Another browser, in which nobody is signed in."""
        client: TestClient[Any, Any] = TestClient(
            self.api.client.server, cookie_jar=CookieJar(unsafe=True)
        )
        self._browsers.append(client)
        return Browser(self.api, client)

    async def signed_in(self, person: str) -> Browser:
        """Another browser, in which this person is."""
        browser = self.browser()
        await browser.sign_in(person)
        return browser

    async def close(self) -> None:
        """Of the browsers alone: the server is not theirs."""
        for client in self._browsers:
            await client.session.close()


@asynccontextmanager
async def inbox(tmp_path: Path, *, local: bool = True, **options: Any) -> AsyncIterator[InboxWorld]:
    """The inbox on a fresh database; `local` offers the people picker."""
    async with running(tmp_path, picker=local, **options) as api:
        world = InboxWorld(api)
        try:
            yield world
        finally:
            await world.close()
