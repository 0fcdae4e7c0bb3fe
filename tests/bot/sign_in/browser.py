"""A browser at the stand-in issuer: it goes where it is sent, and presses one button there."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx


async def press(client: httpx.AsyncClient, url: str, person: str) -> dict[str, str]:
    """What the issuer sends back to the application for somebody who signs in at `url`."""
    return dict(parse_qsl(urlsplit(await pressed(client, url, person)).query))


async def pressed(client: httpx.AsyncClient, url: str, person: str) -> str:
    """Where the issuer sends the browser of somebody who signs in at `url`."""
    asked = dict(parse_qsl(urlsplit(url).query))
    answer = await client.post(url.partition("?")[0], data={**asked, "person": person})
    return answer.headers["Location"]
