"""The switches and the people over HTTP, for tests in another process: `/_sandbox/...`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from countersign.sandbox._faults import CONTROL_PREFIX
from countersign.sandbox.desk import NotDoneError
from countersign.sandbox.servicenow.errors import RestError

if TYPE_CHECKING:
    from countersign.sandbox.servicenow.server import ServiceNow


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Switches(_Body):
    """Body of `PUT options`: what is left out stays."""

    latency_s: float | None = None
    clock_offset_s: float | None = None
    rate_limit_per_hour: int | None = None
    """0 lifts the limit."""
    approval_rule: Literal["any", "everyone"] | None = None
    auto_approvals: str | None = None
    """Empty switches the flow off."""
    token_lifetime_s: int | None = None
    invalid_query_returns_no_rows: bool | None = None


class Rule(_Body):
    """Body of `PUT rule`: where the business rule posts, and what it signs with."""

    url: str | None
    secret: str | None = None


class Act(_Body):
    """Body of `POST act`: what a person does; `number` may be a sys_id, too."""

    user: str
    do: Literal["approve", "reject", "reopen", "comment", "add", "edit", "delete"]
    number: str = ""
    comment: str = ""
    changes: str = ""
    table: str = "change_request"
    sys_id: str = ""
    values: dict[str, str] = {}


def control_routes(snow: ServiceNow) -> list[web.RouteDef]:
    """Options, rule, people, and what the instance holds."""

    async def options(body: Any) -> Any:
        given = Switches.model_validate(body).model_dump(exclude_none=True)
        for name, value in given.items():
            owner = snow if name in _ON_THE_STAND_IN else snow.options
            setattr(owner, name, value if value not in (0, "") or name in _ZERO_COUNTS else None)
        return {**asdict(snow.options), "latency_s": snow.latency_s}

    async def rule(body: Any) -> Any:
        given = Rule.model_validate(body)
        snow.rule_url = given.url
        snow.rule_secret = given.secret or snow.rule_secret
        return {"url": snow.rule_url}

    async def do(body: Any) -> Any:
        return act(snow, body)

    async def state(request: web.Request) -> web.Response:
        try:
            return web.json_response(snow.state(request.query.get("key")))
        except NotDoneError as error:
            return web.json_response({"error": str(error)}, status=error.status)

    async def posts(_: web.Request) -> web.Response:
        return web.json_response([asdict(post) for post in snow.posts])

    return [
        web.put(CONTROL_PREFIX + "options", _control(options)),
        web.put(CONTROL_PREFIX + "rule", _control(rule)),
        web.post(CONTROL_PREFIX + "act", _control(do)),
        web.get(CONTROL_PREFIX + "state", state),
        web.get(CONTROL_PREFIX + "posts", posts),
    ]


_ON_THE_STAND_IN = ("latency_s", "clock_offset_s", "invalid_query_returns_no_rows")
_ZERO_COUNTS = ("latency_s", "clock_offset_s", "token_lifetime_s", "invalid_query_returns_no_rows")


def act(snow: ServiceNow, body: Any) -> Any:
    """What a person does, as `Act` says it."""
    act = Act.model_validate(body)
    person = snow.as_person(act.user)
    match act.do:
        case "approve":
            return person.approve(act.number, act.comment, act.changes)
        case "reject":
            return person.reject(act.number, act.comment, act.changes)
        case "reopen":
            return person.reopen(act.number)
        case "comment":
            return person.comment(act.number, act.comment)
        case "add":
            return person.add(act.table, act.values)
        case "edit":
            return person.edit(act.table, act.sys_id, act.values)
        case "delete":
            return person.delete(act.table, act.sys_id)


def _control(
    act: Callable[[Any], Awaitable[Any]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(await act(await request.json()))
        except RestError as error:
            return web.json_response({"error": str(error)}, status=error.status)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False)
            return web.json_response({"error": problems}, status=422)
        except (LookupError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=422)

    return handle
