"""Graph and the sign-in of Entra on one port: client credentials, delta queries, single objects.

Where a refusal is like Microsoft's: 401 without a good token, 403 without the permission, 410 for a
link that is not known any more, 404. Sources: learn.microsoft.com, "Microsoft Graph error
responses" and "OAuth 2.0 client credentials flow", read 2026-11-29.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from countersign.sandbox._faults import CONTROL_PREFIX, Fault, Faults
from countersign.sandbox._record import Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.graph.delta import Delta, GoneError, Place
from countersign.sandbox.graph.tenant import (
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT_ID,
    Entity,
    Kind,
    Tenant,
)

LOGIN = "https://login.microsoftonline.com"
"""As the real one writes it; clients that talk to this stand-in replace it."""


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "innerError": {"request-id": "sandbox"}}}


def _fault_body(fault: Fault) -> dict[str, Any]:
    return _error(fault.code or "serviceNotAvailable", "Asked for by the person at the switches.")


class GraphServer:
    """A running directory. Tests change `tenant` as an administrator does."""

    def __init__(self, *, page: int = 100, members_page: int = 20) -> None:
        self.tenant = Tenant()
        self.delta = Delta(self.tenant, page=page, members_page=members_page)
        self.faults = Faults()
        self.recorder = Recorder()
        self.url = ""
        self.permitted = True
        """Whether an administrator has consented."""
        self._tokens: set[str] = set()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, host: str = LOOPBACK, port: int = 0, page: int = 100, members_page: int = 20
    ) -> AsyncIterator[GraphServer]:
        """Serve until the block ends."""
        graph = cls(page=page, members_page=members_page)
        app = application(graph.faults, graph.recorder, _fault_body)
        app.add_routes(
            [
                web.get(
                    f"/{TENANT_ID}/v2.0/.well-known/openid-configuration", graph._configuration
                ),
                web.post(f"/{TENANT_ID}/oauth2/v2.0/token", graph._token),
                web.get(r"/v1.0/{kind:users|groups}/delta", graph._delta),
                web.get(r"/v1.0/{kind:users|groups}", graph._list),
                web.get(r"/v1.0/{kind:users|groups}/{id}", graph._one),
                web.post(CONTROL_PREFIX + "{kind:users|groups}", graph._add),
                web.patch(CONTROL_PREFIX + "users/{id}", graph._change),
                web.delete(CONTROL_PREFIX + "{kind:users|groups}/{id}", graph._delete),
            ]
        )
        async with serve(app, host=host, port=port) as graph.url:
            yield graph

    def expire_tokens(self) -> None:
        """Let no access token work that was given so far."""
        self._tokens.clear()

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {
            "url": self.url,
            "tenant_id": TENANT_ID,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }

    async def _configuration(self, _: web.Request) -> web.Response:
        base = f"{LOGIN}/{TENANT_ID}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        given = await request.post()
        if given.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", "AADSTS70003")
        if (given.get("client_id"), given.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return _oauth_error(401, "invalid_client", "AADSTS7000215: Invalid client secret")
        if not str(given.get("scope", "")).endswith("/.default"):
            return _oauth_error(400, "invalid_scope", "AADSTS1002012")
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        said = {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599}
        return web.json_response({**said, "access_token": token})

    async def _delta(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        token = request.query.get("$deltatoken") or request.query.get("$skiptoken")
        try:
            if token is None:
                select = request.query.get("$select", "id,displayName")
                items, place, is_last = self.delta.begin(_kind(request), select)
            else:
                items, place, is_last = self.delta.page(Place.of(token))
        except GoneError:
            location = f"{self.url}{request.path}?$deltatoken="
            return web.json_response(
                _error("syncStateNotFound", "The sync state generation is not found."),
                status=410,
                headers={"Location": location},
            )
        link = f"{self.url}{request.path}"
        following = (
            {"@odata.deltaLink": f"{link}?$deltatoken={place.token()}"}
            if is_last
            else {"@odata.nextLink": f"{link}?$skiptoken={place.token()}"}
        )
        context = f"{self.url}/v1.0/$metadata#{_kind(request)}"
        return web.json_response({"@odata.context": context, **following, "value": items})

    async def _list(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        found = [e for e in self.tenant.all(_kind(request)).values() if not e.removed]
        most = int(request.query.get("$top", "100"))
        return web.json_response({"value": [_shown(e, request) for e in found[:most]]})

    async def _one(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        found = self.tenant.all(_kind(request)).get(request.match_info["id"])
        if found is None or found.removed:
            return web.json_response(
                _error("Request_ResourceNotFound", "Resource does not exist."), status=404
            )
        return web.json_response(_shown(found, request))

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            said = _error("InvalidAuthenticationToken", "Lifetime validation failed.")
            return web.json_response(said, status=401)
        if not self.permitted:
            said = _error("Authorization_RequestDenied", "Insufficient privileges.")
            return web.json_response(said, status=403)
        return None

    async def _add(self, request: web.Request) -> web.Response:
        given = await request.json()
        if _kind(request) == "users":
            made = self.tenant.add_user(given["displayName"], given.get("mail", ""))
        else:
            made = self.tenant.add_group(given["displayName"], given.get("members", []))
        return web.json_response({"id": made}, status=201)

    async def _change(self, request: web.Request) -> web.Response:
        self.tenant.change_user(request.match_info["id"], **await request.json())
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        self.tenant.delete(_kind(request), request.match_info["id"])
        return web.Response(status=204)


def _kind(request: web.Request) -> Kind:
    return "users" if request.match_info.get("kind") == "users" else "groups"


def _shown(found: Entity, request: web.Request) -> dict[str, Any]:
    selected = request.query.get("$select", "id,displayName").split(",")
    properties = {name: found.properties[name] for name in selected if name in found.properties}
    return {"id": found.id, **properties}


def _oauth_error(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)
