"""The switches of the issuer, under `/_sandbox/`: people, keys, and what it gets wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from countersign.sandbox._faults import CONTROL_PREFIX
from countersign.sandbox.oidc.misbehaviour import KINDS

if TYPE_CHECKING:
    from countersign.sandbox.oidc.server import OidcServer


def switches(issuer: OidcServer) -> list[web.RouteDef]:
    """`POST misbehave {"kind", "times"}` spoils the next sign-ins, `{"takes_codes_again"}` and
    `{"ignores_pkce"}` are habits, `DELETE misbehave` ends all of it; `POST rotate {"withdraw"}`;
    `POST people {"key", "name", "oid"}`; `POST tab-token {"person", "resource"}`. Slow or down:
    see `sandbox._faults`."""

    async def misbehave(request: web.Request) -> web.Response:
        given: dict[str, Any] = await request.json()
        wrong = issuer.misbehaviour
        try:
            if "kind" in given:
                wrong.add(given["kind"], int(given.get("times", 1)))
        except ValueError as exc:
            return web.json_response({"error": str(exc), "kinds": KINDS}, status=422)
        wrong.takes_codes_again = bool(given.get("takes_codes_again", wrong.takes_codes_again))
        wrong.ignores_pkce = bool(given.get("ignores_pkce", wrong.ignores_pkce))
        return web.Response(status=204)

    async def behave(_: web.Request) -> web.Response:
        issuer.misbehaviour.clear()
        return web.Response(status=204)

    async def rotate(request: web.Request) -> web.Response:
        given = await request.json() if request.can_read_body else {}
        return web.json_response({"kid": issuer.keys.rotate(withdraw=bool(given.get("withdraw")))})

    async def people(request: web.Request) -> web.Response:
        given = await request.json()
        made = issuer.accounts.add(given["key"], given["name"], given["oid"], given.get("username"))
        return web.json_response({"oid": made.oid, "sub": made.sub}, status=201)

    async def tab_token(request: web.Request) -> web.Response:
        given = await request.json()
        return web.json_response({"token": issuer.tab_token(given.pop("person"), **given)})

    return [
        web.post(CONTROL_PREFIX + "misbehave", misbehave),
        web.delete(CONTROL_PREFIX + "misbehave", behave),
        web.post(CONTROL_PREFIX + "rotate", rotate),
        web.post(CONTROL_PREFIX + "people", people),
        web.post(CONTROL_PREFIX + "tab-token", tab_token),
    ]
