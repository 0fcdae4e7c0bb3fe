"""A Jira that is running: where it is, what it holds, and the switches for its bad days."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from countersign.sandbox._faults import Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.desk import NotDoneError
from countersign.sandbox.jira import (
    pages,
    rest_issues,
    rest_meta,
    rest_requests,
    rest_search,
)
from countersign.sandbox.jira.call import GATEWAY, Routes
from countersign.sandbox.jira.catalog import OPS, STATUSES
from countersign.sandbox.jira.control import act, control_routes
from countersign.sandbox.jira.people import BOT
from countersign.sandbox.jira.persona import Persona
from countersign.sandbox.jira.refusals import JiraError, fault_body
from countersign.sandbox.jira.render import View
from countersign.sandbox.jira.seed import REQUEST_KEY, seed
from countersign.sandbox.jira.site import Deployment, Site
from countersign.sandbox.jira.webhooks import (
    EVENTS,
    SECRET,
    Delivery,
    Webhooks,
)


class Jira:
    """The stand-in in process. `site` holds its state, `faults` the failures to come."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.url = ""
        self.faults = Faults()
        self._recorder = Recorder()
        self._webhooks = Webhooks(site, lambda: self.url)

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        db_path: Path | None = None,
        deployment: Deployment = "Cloud",
        webhook_url: str | None = None,
        webhook_secret: str | None = SECRET,
        host: str = LOOPBACK,
        port: int = 0,
    ) -> AsyncIterator[Jira]:
        """Serve until the block ends; without `db_path` everything is kept in memory."""
        site = Site(db_path, deployment=deployment)
        jira = cls(site)
        try:
            seed(site)
            if webhook_url is not None:
                jira.add_webhook(webhook_url, webhook_secret)
            app = application(jira.faults, jira._recorder, fault_body)
            app.add_routes(jira._routes())
            async with serve(app, host=host, port=port) as jira.url:
                await jira._webhooks.open()
                try:
                    yield jira
                finally:
                    await jira._webhooks.close()
        finally:
            site.store.close()

    def _routes(self) -> list[web.RouteDef]:
        routes = Routes(self.site, lambda: self.url)
        rest_meta.add_routes(routes)
        rest_search.add_routes(routes, cloud=self.site.cloud)
        rest_issues.add_routes(routes)
        if self.site.cloud:
            routes.add("GET", "/issue/{issue}/changelog", rest_issues.changelog)
        rest_requests.add_routes(routes)
        info = rest_meta.server_info_routes(self.site, lambda: self.url)
        return [
            *info,
            *routes.found,
            *control_routes(self.site, self._webhooks, self.state),
            *pages.routes(self.site),
        ]

    # What it was asked, and what it holds.

    @property
    def requests(self) -> list[Recorded]:
        """What was asked, oldest first, failed attempts included."""
        return self._recorder.matching()

    def calls(self, method: str | None = None, path_end: str | None = None) -> int:
        """How many requests with this method had a path that ends so."""
        return len(self._recorder.matching(method, path_end))

    def forget_requests(self) -> None:
        """Count calls from here."""
        self._recorder.clear()

    def issues(self, label: str | None = None) -> list[dict[str, Any]]:
        """The issues there are now (with this label), oldest first, as `issue()` shows them."""
        found = self.site.store.all()
        return [self.issue(i.key) for i in found if label is None or label in i.labels]

    def issue(self, key: str) -> dict[str, Any]:
        """An issue as the REST API, version 2, shows it, with `changelog`, `properties` and
        `approvals`. Raises LookupError if it is not there.
        """
        issue = self.site.store.get(key)
        if issue is None:
            raise LookupError(f"there is no issue {key}")
        view = View(self.site, self.url, 2, BOT)
        return {
            **view.issue_head(issue),
            "fields": view.fields(issue),
            "changelog": [view.history(entry) for entry in issue.histories],
            "properties": dict(issue.properties),
            "approvals": [approval.model_dump(mode="json") for approval in issue.approvals],
        }

    def state(self, key: str | None = None) -> list[dict[str, Any]]:
        """See `sandbox.desk.Switches`."""
        try:
            return self.issues() if key is None else [self.issue(key)]
        except LookupError as error:
            raise NotDoneError(404, str(error)) from error

    # People and webhooks.

    def act(self, what: Mapping[str, Any]) -> Any:
        """See `sandbox.desk.Switches`."""
        try:
            return act(self.site, what)
        except JiraError as error:
            raise NotDoneError(error.status, str(error)) from error
        except LookupError as error:
            raise NotDoneError(422, str(error)) from error

    def as_person(self, login: str) -> Persona:
        """Someone at work: "alex", "sam", "megan", "adele", "mallory", or "bot" itself."""
        account = self.site.directory.named(login)
        if account is None:
            raise LookupError(f"there is no account {login}")
        return Persona(self.site, account)

    def add_webhook(
        self, url: str, secret: str | None = SECRET, events: tuple[str, ...] = EVENTS
    ) -> None:
        """Send events there from now on, unsigned if `secret` is None."""
        self._webhooks.add(url, secret, events)

    def remove_webhook(self, url: str) -> None:
        """Send no more events there."""
        self._webhooks.remove(url)

    @property
    def webhooks(self) -> list[Delivery]:
        """The deliveries, oldest first, with the status of every attempt."""
        return self._webhooks.deliveries

    def redeliver(self, delivery: Delivery) -> None:
        """Send a delivery again, with its old identifier."""
        self._webhooks.redeliver(delivery)

    def notify(self, url: str | None) -> None:
        """Send every event there from now on, and nowhere else; None sends none."""
        for hook in self._webhooks.hooks:
            self.remove_webhook(hook.url)
        if url is not None:
            self.add_webhook(url)

    async def settled(self) -> None:
        """Return when no delivery is under way any more, retries included."""
        await self._webhooks.settled()

    @property
    def webhooks_paused(self) -> bool:
        """Whether events are lost on the way."""
        return self._webhooks.paused

    @webhooks_paused.setter
    def webhooks_paused(self, paused: bool) -> None:
        self._webhooks.paused = paused

    # Bad days.

    @property
    def index_lag_s(self) -> float:
        """How late a search hears of changes, deletions and new issues."""
        return self.site.index.lag_s

    @index_lag_s.setter
    def index_lag_s(self, lag_s: float) -> None:
        self.site.index.lag_s = lag_s

    @property
    def latency_s(self) -> float:
        """What every request takes at least."""
        return self.faults.latency_s

    @latency_s.setter
    def latency_s(self, latency_s: float) -> None:
        self.faults.latency_s = latency_s

    @property
    def clock_offset_s(self) -> float:
        """How far the site's clock is ahead of ours."""
        return self.site.clock.offset_s

    @clock_offset_s.setter
    def clock_offset_s(self, offset_s: float) -> None:
        self.site.clock.set_offset(offset_s)

    def revoke(self, login: str) -> None:
        """Let this account's tokens and passwords expire."""
        self.site.revoked.add(login)

    def restore(self, login: str) -> None:
        """Let them work again."""
        self.site.revoked.discard(login)

    def ready(self) -> dict[str, Any]:
        """The ready line. `token` is an API token on Cloud, a personal access token otherwise."""
        cloud = self.site.cloud
        return {
            "url": self.url,
            "deployment": self.site.deployment,
            "project": OPS.key,
            "issue_type": OPS.issue_type[1],
            "email": BOT.email,
            "token": BOT.token,
            "account_id": BOT.account_id if cloud else BOT.login,
            "jsm_key": REQUEST_KEY,
            "statuses": {status.name: status.id for status in STATUSES.values()},
            "webhook_secret": SECRET,
            "oauth_url": f"{self.url}{GATEWAY}" if cloud else None,
            "oauth_token": BOT.oauth_token if cloud else None,
            "users": [
                {
                    "account_id": account.account_id if cloud else account.login,
                    "email": account.email,
                    "token": account.token,
                    "display_name": account.display_name,
                }
                for account in self.site.directory
            ],
        }
