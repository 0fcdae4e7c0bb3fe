"""Programs that are told of requests: one place for each endpoint, told what it has not heard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import httpx

from countersign.approvals.backoff import retry_after
from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.approvals.models import Conversation, Delivery, JsonObject, Notice, Placing
from countersign.approvals.ports import Prompt, RequestView
from countersign.approvals.rules.placing import PLACE
from countersign.approvals.store import dead_letters
from countersign.approvals.tickets import CheckResult
from countersign.connectors.system import Deployment
from countersign.connectors.webhook.events import body, event_id, marks, news
from countersign.connectors.webhook.reaching import LOOPBACKS, Reach, Resolve, resolved
from countersign.connectors.webhook.settings import NAME, EndpointSettings, WebhookSettings
from countersign.connectors.webhook.signing import signed, written

PING = "countersign.ping"
"""The type of what `doctor` sends; endpoints answer 2xx and do nothing with it."""


class WebhookChannel:
    """`approvals.ports.Channel`; the reference of a delivery says what its endpoint has heard."""

    name = NAME

    def __init__(
        self,
        settings: WebhookSettings,
        http: httpx.AsyncClient,
        deployment: Deployment,
        *,
        resolve: Resolve = resolved,
    ):
        self._settings, self._http = settings, http
        own = LOOPBACKS if deployment.local else ()
        self._reach = Reach((*settings.private_networks, *own), resolve)
        self._clock, self._store = deployment.clock, deployment.store
        self._directory, self._url = deployment.directory, deployment.public_url
        self._endpoints = {each.name: each for each in settings.endpoints}
        self.placing = Placing(places=tuple(self._endpoints))

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Tell the endpoint all that has happened so far. After a crash it is told again, in
        messages with the same ids."""
        return {"told": await self._told(delivery, view, ())}

    async def post_list(self, delivery: Delivery, views: Sequence[RequestView]) -> JsonObject:
        """Programs are told of each request by itself."""
        raise NotFoundError("Endpoints are sent no lists.")

    async def update(self, delivery: Delivery, view: RequestView) -> JsonObject | None:
        """Tell the endpoint what it has not heard."""
        before = tuple((delivery.reference or {}).get("told", ()))
        told = await self._told(delivery, view, before)
        return {"told": [*before, *told]} if told else None

    def busy_s(self, delivery: Delivery) -> float:
        """Endpoints say themselves when they are busy."""
        return 0.0

    async def say(self, conversation: Conversation, notice: Notice) -> None:
        """Nobody talks to programs."""
        raise NotFoundError("Nothing can be said by webhook but what belongs to a request.")

    async def remind(self, delivery: Delivery, view: RequestView, prompt: Prompt) -> None:
        """Programs forget nothing."""

    def over(self, delivery: Delivery, view: RequestView) -> bool:
        """Once the request is decided and what came of it is known."""
        return view.is_over

    async def check(self) -> Sequence[CheckResult]:
        """Whether each endpoint takes a signed message, whether all for whom callers may speak are
        known, and what was given up."""
        found = [await self._check(endpoint) for endpoint in self._endpoints.values()]
        for caller in self._settings.callers:
            unknown = [id for id in caller.speaks_for if self._directory.by_id(id) is None]
            said = f"speaks for nobody known as {', '.join(unknown)}" if unknown else "ok"
            found.append(CheckResult(name=f"caller {caller.name}", ok=not unknown, said=said))
        given_up = await self._store.read(lambda c: dead_letters.count(c, NAME))
        return [*found, *given_up_words(given_up)]

    async def _check(self, endpoint: EndpointSettings) -> CheckResult:
        now = self._clock.now()
        message_id = f"evt_ping_{int(now.timestamp())}"
        ping = {"type": PING, "id": message_id, "timestamp": now.isoformat(), "data": {}}
        name = f"endpoint {endpoint.name}"
        try:
            await self._send(endpoint, message_id, ping)
        except (UnavailableError, NotFoundError) as exc:
            return CheckResult(name=name, ok=False, said=str(exc))
        return CheckResult(name=name, ok=True, said="takes what we sign")

    async def _told(
        self, delivery: Delivery, view: RequestView, before: Sequence[str]
    ) -> list[str]:
        name = delivery.target.removeprefix(PLACE)
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            raise NotFoundError(f"There is no endpoint {name} any more.")
        events = news(view, before, endpoint.events)
        try:
            for number, event in enumerate(events, len(before) + 1):
                said = body(view, event, endpoint.include, self._url, number)
                await self._send(endpoint, event_id(view, event), said)
        except UnavailableError as exc:
            if delivery.attempts + 1 < self._settings.give_up_after:
                raise
            tried = f"given up after {delivery.attempts + 1} attempts"
            raise NotFoundError(f"{exc} It was {tried}.") from exc
        return marks(events)

    async def _send(self, endpoint: EndpointSettings, message_id: str, said: JsonObject) -> None:
        """Raises UnavailableError unless it is taken, NotFoundError if it never will be (410)."""
        payload = written(said)
        headers = signed(endpoint.keys, message_id, self._clock.now(), payload)
        headers["Content-Type"] = "application/json"
        try:
            async with asyncio.timeout(self._settings.timeout):
                status, asked = await self._answer(endpoint.url, payload.encode(), headers)
        except (httpx.HTTPError, TimeoutError) as exc:
            why = str(exc) or type(exc).__name__
            raise UnavailableError(f"{endpoint.name} cannot be reached: {why}.") from exc
        if status == httpx.codes.GONE:
            raise NotFoundError(f"{endpoint.name} answered 410: it wants nothing any more.")
        if httpx.codes.is_redirect(status):
            raise UnavailableError(
                f"{endpoint.name} answered {status}; redirects are not followed."
            )
        if not httpx.codes.is_success(status):
            raise UnavailableError(f"{endpoint.name} answered {status}.", retry_after_s=asked)

    async def _answer(
        self, address: str, payload: bytes, headers: dict[str, str]
    ) -> tuple[int, float | None]:
        """Status and `Retry-After` of the first address that can be connected to. What else it says
        is of no meaning, so it is not read. Raises httpx.HTTPError, UnavailableError."""
        url = httpx.URL(address)
        name = url.raw_host.decode()
        port = url.port or (443 if url.scheme == "https" else 80)
        sent = {**headers, "Host": url.netloc.decode()}

        async def tell(at: str) -> tuple[int, float | None]:
            async with self._http.stream(
                "POST",
                url.copy_with(host=at),
                content=payload,
                headers=sent,
                extensions={"sni_hostname": name},
            ) as answer:
                return answer.status_code, retry_after(answer.headers)

        *others, last = await self._reach.addresses(name, port)
        for at in others:
            with suppress(httpx.ConnectError):
                return await tell(at)
        return await tell(last)


def given_up_words(count: int) -> Sequence[CheckResult]:
    """What to know of dead letters; nothing if there are none."""
    if not count:
        return ()
    said = (
        f"{count} given up: see `countersign webhooks list`, then `countersign webhooks redeliver`"
    )
    return (CheckResult(name="dead letters", ok=False, said=said),)
