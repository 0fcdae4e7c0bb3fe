"""One operation of the API: what it takes, what it answers, and the pipeline in front of it.

Authenticate → parse → validate → handle → answer. The same table of operations gives the routes
and the OpenAPI document, so neither can say what the other does not do.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from countersign.approvals.approvals import Approvals
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import InvalidError, NotFoundError
from countersign.approvals.models import (
    Actor,
    ConversationKey,
    Principal,
    Session,
    Via,
)
from countersign.approvals.ports import Directory
from countersign.approvals.records import Records
from countersign.bot.http.bodies import authorization, parse_json, read_body
from countersign.bot.http.lanes import Kind, Limits
from countersign.bot.http.problems import problem, unauthorised
from countersign.bot.http.settings import LimitsSettings
from countersign.bot.people import Tokens

M = TypeVar("M", bound=BaseModel)

OF_REQUEST, OF_SESSION = "/api/v1/requests/{id}", "/api/v1/sessions/{id}"
MAX_ID_CHARS = 200
"""Of an id in an address; ours are much shorter."""


class KnownWorkflow(Protocol):
    """What people may know of a workflow; `agents.WorkflowInfo`."""

    @property
    def name(self) -> str:
        """By which it is started: `sales_quote`."""

    @property
    def title(self) -> str:
        """As people call it: `Sales quote`."""

    @property
    def triggers(self) -> Sequence[str]:
        """Words that mean it, at the beginning of a message."""

    @property
    def example(self) -> str:
        """A task that works."""

    @property
    def tools(self) -> Sequence[str]:
        """What its agents may call."""

    @property
    def agents(self) -> Sequence[str]:
        """Their names."""


class SessionStarter(Protocol):
    """Starts workflows; `bot.sessions.Sessions`."""

    def known(self) -> Sequence[KnownWorkflow]:
        """All that can be started."""

    async def start(
        self,
        workflow: str,
        task: str,
        owner: Principal,
        *,
        conversation: ConversationKey | None = None,
        idempotency_key: str | None = None,
    ) -> Session:
        """A new session. Raises InvalidError for an unknown workflow or an empty task."""


@dataclass(frozen=True)
class Services:
    """What the API works on."""

    approvals: Approvals
    records: Records
    sessions: SessionStarter
    directory: Directory
    tokens: Tokens
    trail: AuditTrail
    limits: Limits = field(default_factory=lambda: Limits(LimitsSettings()))


SERVICES = web.AppKey("services", Services)


@dataclass(frozen=True)
class Call:
    """One authenticated, validated call."""

    services: Services
    person: Principal
    path: dict[str, str]
    headers: dict[str, str]
    query: Any = None
    body: Any = None

    @property
    def actor(self) -> Actor:
        """The caller as the ledger names them."""
        return Actor(principal=self.person, via=Via.API, identity=f"api:{self.person.id}")


@dataclass(frozen=True)
class Operation:
    """A row of the API."""

    method: str
    path: str
    summary: str
    handle: Callable[[Call], Awaitable[BaseModel]]
    answer: type[BaseModel]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: HTTPStatus = HTTPStatus.OK
    problems: tuple[HTTPStatus, ...] = ()
    headers: tuple[str, ...] = ()
    """Request headers that it reads."""
    kind: Kind = Kind.READS
    """How urgent it is."""
    texts: Mapping[str, Callable[[BaseModel], str]] = field(default_factory=dict)
    """Other forms of the answer, by the media type that `Accept` names."""

    def endpoint(self) -> Handler:
        """The aiohttp handler."""

        async def run(request: web.Request) -> web.StreamResponse:
            services = request.app[SERVICES]
            person = authenticated(request, services)
            if person is None:
                return unauthorised("Send `Authorization: Bearer <token>` of a person in `people`.")
            if any(
                "\0" in step or len(step) > MAX_ID_CHARS for step in request.match_info.values()
            ):
                raise NotFoundError("No id is so long or has NUL in it.")
            query = body = None
            if self.query is not None:
                query = _validated(self.query, _single(request.query))
            if self.body is not None:
                body = _validated(self.body, await read_json(request))
            if isinstance(query, web.Response) or isinstance(body, web.Response):
                return query if isinstance(query, web.Response) else body  # type: ignore[return-value]
            call = Call(
                services=services,
                person=person,
                path=dict(request.match_info),
                headers={name: request.headers.get(name, "") for name in self.headers},
                query=query,
                body=body,
            )
            async with services.limits.admitted(self.kind, person.id):
                await self._require_seen(call)
                answer = await self.handle(call)
            for media_type, text in self.texts.items():
                if media_type in request.headers.get("Accept", ""):
                    return web.Response(text=text(answer), content_type=media_type)
            return web.Response(
                status=self.status, text=answer.model_dump_json(), content_type="application/json"
            )

        return run

    async def _require_seen(self, call: Call) -> None:
        """Raise NotFoundError for what its address names and the caller may not read, whatever is
        asked about it: so they do not learn that there is one."""
        records = call.services.records
        if self.path.startswith(OF_REQUEST):
            await records.require_seen(call.person, call.path["id"])
        if self.path.startswith(OF_SESSION):
            await records.require_session_seen(call.person, call.path["id"])


def authenticated(request: web.Request, services: Services) -> Principal | None:
    """The person whose bearer token came with the request, None without a valid one."""
    scheme, _, token = authorization(request).partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    owner = services.tokens.owner(token.strip())
    return None if owner is None else services.directory.by_id(owner)


async def read_json(request: web.Request) -> Any:
    """The JSON body, or the response that says what is wrong with it."""
    if request.content_type != "application/json":
        return problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            "Send the body as JSON, with `Content-Type: application/json`.",
        )
    raw = await read_body(request)
    try:
        value = parse_json(raw, unique=True)
        # An escape such as \ud800 alone is valid JSON but no Unicode: nothing could store it.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except ValueError as exc:
        reason = "is not JSON: it is no Unicode" if isinstance(exc, UnicodeError) else str(exc)
        return problem(HTTPStatus.BAD_REQUEST, "malformed-json", f"The body {reason}.")
    return value


def _single(query: Any) -> dict[str, Any]:
    found = {key: query.getone(key) for key in query}
    if any("\0" in part for pair in found.items() for part in pair):
        raise InvalidError("The query has NUL in it, which is no text.")
    return found


def _validated(model: type[M], value: Any) -> M | web.Response:
    if isinstance(value, web.Response):
        return value
    if not isinstance(value, dict):
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "The body must be a JSON object."
        )
    try:
        return model.model_validate(value)
    except ValidationError as exc:
        errors = [_line(error) for error in exc.errors()]
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "; ".join(errors), errors=errors)


def _line(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "unknown field"
    return f"{where}: {message}" if where else message
