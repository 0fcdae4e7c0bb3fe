"""The switches over HTTP, for a person with curl or a test in another process: `/_sandbox/...`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web

from countersign.sandbox._faults import CONTROL_PREFIX
from countersign.sandbox.desk import NotDoneError
from countersign.sandbox.jira.persona import Persona
from countersign.sandbox.jira.refusals import JiraError, answer
from countersign.sandbox.jira.site import Site
from countersign.sandbox.jira.webhooks import EVENTS, Webhooks

_ACTIONS = ("create", "transition", "comment", "edit", "move", "delete", "approve", "decline")
State = Callable[[str | None], list[dict[str, Any]]]
"""Every issue, or the one with a key."""


def act(site: Site, body: Mapping[str, Any]) -> Any:
    """`{as, action, ...}`, the rest as `Persona` names it: `{"key", "to_status"}` and so on."""
    account = site.directory.named(body["as"])
    if account is None or body["action"] not in _ACTIONS:
        raise LookupError(f"unknown person or action: {body['as']} {body['action']}")
    more = {name: value for name, value in body.items() if name not in ("as", "action")}
    return {"result": getattr(Persona(site, account), body["action"])(**more)}


def control_routes(site: Site, webhooks: Webhooks, state: State) -> list[web.RouteDef]:
    """Settings, webhooks, acting as a person, and what the site holds."""

    def control(act: Callable[[Any], Any]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            try:
                return web.json_response(act(await request.json()))
            except JiraError as error:
                return answer(error)
            except KeyError as error:
                return web.json_response({"error": f"missing: {error.args[0]}"}, status=422)
            except (LookupError, TypeError, ValueError) as error:
                return web.json_response({"error": str(error)}, status=422)

        return handle

    def settings(body: dict[str, Any]) -> Any:
        """`{index_lag_s, clock_offset_s, approvals_needed, changelog_limit, revoked, ...}`."""
        for name, value in body.items():
            match name:
                case "index_lag_s":
                    site.index.lag_s = float(value)
                case "clock_offset_s":
                    site.clock.set_offset(float(value))
                case "approvals_needed" | "changelog_limit":
                    setattr(site, name, int(value))
                case "revoked" | "required_fields":
                    setattr(site, name, set(value))
                case "webhooks_paused":
                    webhooks.paused = bool(value)
                case _:
                    raise LookupError(f"unknown setting: {name}")
        return {
            "index_lag_s": site.index.lag_s,
            "clock_offset_s": site.clock.offset_s,
            "approvals_needed": site.approvals_needed,
            "changelog_limit": site.changelog_limit,
            "revoked": sorted(site.revoked),
            "required_fields": sorted(site.required_fields),
            "webhooks_paused": webhooks.paused,
        }

    def add_webhook(body: dict[str, Any]) -> Any:
        """`{url, secret?, events?}`; no secret, no signature."""
        webhooks.add(body["url"], body.get("secret"), tuple(body.get("events", EVENTS)))
        return [hook.url for hook in webhooks.hooks]

    def grant(body: dict[str, Any]) -> Any:
        """`{person, project, permissions: [...]}`."""
        site.access.grant(body["person"], body["project"], set(body["permissions"]))
        return {}

    async def issues(request: web.Request) -> web.Response:
        try:
            return web.json_response(state(request.query.get("key")))
        except NotDoneError as error:
            return web.json_response({"error": str(error)}, status=error.status)

    async def deliveries(_: web.Request) -> web.Response:
        return web.json_response([found.as_json() for found in webhooks.deliveries])

    return [
        web.put(CONTROL_PREFIX + "settings", control(settings)),
        web.post(CONTROL_PREFIX + "webhooks", control(add_webhook)),
        web.get(CONTROL_PREFIX + "webhooks", deliveries),
        web.post(CONTROL_PREFIX + "permissions", control(grant)),
        web.post(CONTROL_PREFIX + "act", control(partial(act, site))),
        web.get(CONTROL_PREFIX + "state", issues),
    ]
