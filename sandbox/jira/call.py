"""One API request: who asks what of the site, and how routes are tied to their handlers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from countersign.sandbox.jira.auth import NotAuthenticatedError, caller, unauthorized
from countersign.sandbox.jira.model import Issue
from countersign.sandbox.jira.people import CLOUD_ID, Account
from countersign.sandbox.jira.refusals import BAD_PAYLOAD, JiraError, answer
from countersign.sandbox.jira.render import View
from countersign.sandbox.jira.site import Site

GATEWAY = f"/ex/jira/{CLOUD_ID}"


@dataclass(frozen=True)
class Call:
    """A request with its caller; anonymous calls stop before they get here."""

    site: Site
    request: web.Request
    actor: Account
    view: View

    @property
    def version(self) -> int:
        """Of the API: 2 or 3."""
        return self.view.version

    def issue(self) -> Issue:
        """The issue in the path. Raises JiraError 404."""
        return self.site.find(self.actor, self.request.match_info["issue"])

    def part(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]

    def query(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.request.query.get(name, default)

    def number(self, name: str, default: int, *, most: int) -> int:
        """A number in the query, at most `most`. Raises JiraError 400."""
        return number(self.query(name, str(default)), name, most=most)

    def names(self, name: str) -> list[str]:
        """A list in the query, repeated or separated by commas."""
        return split(self.request.query.getall(name, []))

    async def body(self) -> Any:
        """The JSON body. Raises JiraError 400."""
        try:
            return await self.request.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise JiraError(400, BAD_PAYLOAD) from error


def number(value: Any, name: str, *, most: int) -> int:
    """`value` as a number from 0 to `most`, larger ones cut. Raises JiraError 400."""
    try:
        found = int(value)
    except (TypeError, ValueError):
        found = -1
    if found < 0:
        raise JiraError(400, f"The value for '{name}' must be a number that is not negative.")
    return min(found, most)


def split(values: list[str]) -> list[str]:
    """Names out of values that may hold several, separated by commas."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


Handler = Callable[[Call], Awaitable[Any]]
"""Answers something to send as JSON with status 200, or a whole response."""


class Routes:
    """Ties handlers to paths, on the site's own address and behind the OAuth gateway."""

    def __init__(self, site: Site, base_url: Callable[[], str]) -> None:
        self._site, self._base_url = site, base_url
        self.found: list[web.RouteDef] = []

    def add(
        self, method: str, path: str, handler: Handler, *, versions: tuple[int, ...] = (2, 3)
    ) -> None:
        """`path` below `/rest/api/{version}`; Data Center has version 2 only, "latest" is 2."""
        for version in versions if self._site.cloud else (2,):
            self.add_at(method, f"/rest/api/{version}{path}", handler, version=version)
            if version == 2:
                self.add_at(method, f"/rest/api/latest{path}", handler)

    def add_at(self, method: str, path: str, handler: Handler, *, version: int = 2) -> None:
        """A path of its own."""
        for prefix in ("", GATEWAY) if self._site.cloud else ("",):
            wrapped = self._wrap(handler, version, prefix)
            self.found.append(web.route(method, prefix + path, wrapped))

    def _wrap(
        self, handler: Handler, version: int, prefix: str
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                actor = caller(self._site, request, gateway=bool(prefix))
                if actor is None:
                    raise unauthorized(self._site, gateway=bool(prefix))
                view = View(self._site, self._base_url() + prefix, version, actor)
                result = await handler(Call(self._site, request, actor, view))
            except NotAuthenticatedError as error:
                return error.response
            except JiraError as error:
                return answer(error)
            return result if isinstance(result, web.StreamResponse) else web.json_response(result)

        return handle
