"""A session of the package `jira`; nothing but this and `client` touches it.

It blocks, so it works in threads of its own. What is avoided and why: its retries (a create that
was answered with 503 is sent again, and it sleeps up to a minute per attempt), its default of no
timeout, and its guess at the deployment (without it, searches go to an address that Cloud has
removed, or give None). Measured with 3.10.5.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import requests
from jira import JIRA
from jira.exceptions import JIRAError

from countersign.approvals.backoff import http_date
from countersign.approvals.errors import CountersignError, UnavailableError
from countersign.connectors.blocking import (
    CONNECT_TIMEOUT_S,
    BlockingClient,
    bounded,
    unclear,
)
from countersign.connectors.jira.refusals import credentials_refused, refused
from countersign.connectors.jira.settings import ApiToken, JiraSettings, Password

Work = Callable[[JIRA], Any]


class _LoginFailedError(requests.RequestException):
    """Jira has answered as to somebody who is not signed in."""


class JiraSession:
    """Runs calls of the package, and says in our own errors how they went."""

    def __init__(self, settings: JiraSettings):
        self._settings = settings
        self._client = BlockingClient(
            "jira", "Jira", self._connect, _refused, timeout_s=settings.timeout
        )
        self.site_time: datetime | None = None
        """The time of the newest answer, by the site's own clock."""

    async def run(self, what: str, work: Work, *, write: bool = False) -> Any:
        """The answer to `work`; `what` it is for, in words. Nothing is tried twice.

        Raises UnavailableError or NotFoundError; with `write` also UnansweredError (it may have
        been done) and FieldsError.
        """
        if write:
            await self._client.run("signing in", lambda jira: None)
        return await self._client.run(what, work, write=write)

    async def close(self) -> None:
        """Wait for what is on its way, and let go of the connections."""
        await self._client.close()

    def _connect(self) -> JIRA:
        jira = _unconnected(self._settings, self._look_at)
        try:
            _learn_deployment(jira, self._settings)
            # Or else the first search would do it.
            jira._update_fields_cache()  # type: ignore[no-untyped-call]
        except BaseException:  # whatever it is, the half-open session must not be left
            jira.close()  # type: ignore[no-untyped-call]
            raise
        return jira

    def _look_at(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        if "AUTHENTICATED_FAILED" in answer.headers.get("X-Seraph-LoginReason", ""):
            answer.close()
            raise _LoginFailedError  # Jira would go on as if nobody had signed in, and hide issues
        at = http_date(answer.headers.get("Date", ""))
        if at is not None and (self.site_time is None or at > self.site_time):
            self.site_time = at


def _unconnected(settings: JiraSettings, on_answer: Callable[..., None]) -> JIRA:
    auth = settings.auth
    credentials: dict[str, Any]
    if isinstance(auth, ApiToken):
        credentials = {"basic_auth": (auth.email, auth.token.get_secret_value())}
    elif isinstance(auth, Password):
        credentials = {"basic_auth": (auth.user, auth.password.get_secret_value())}
    else:
        credentials = {"token_auth": auth.token.get_secret_value()}
    jira = JIRA(
        settings.api_url,
        get_server_info=False,
        max_retries=0,
        timeout=(CONNECT_TIMEOUT_S, settings.timeout),
        logging=False,
        **credentials,
    )
    session = bounded(jira._session, settings.api_url)
    session.hooks["response"].append(on_answer)
    return jira


def _learn_deployment(jira: JIRA, settings: JiraSettings) -> None:
    """Tell the package what it talks to. Raises UnavailableError if the settings say otherwise."""
    found = jira._get_json("serverInfo").get("deploymentType")  # `server_info` asks four times
    if (found == "Cloud") != settings.cloud:
        should = "cloud" if found == "Cloud" else "datacenter"
        raise UnavailableError(f"This is Jira {found}; set connectors.jira.deployment to {should}.")
    jira.deploymentType = found


def _refused(exc: Exception, what: str, write: bool) -> CountersignError | None:
    if isinstance(exc, _LoginFailedError):
        return credentials_refused(what)
    if not isinstance(exc, JIRAError):
        return None
    if exc.response is None:
        return unclear("Jira", "did not answer", what, write=write)
    return refused(exc.response, what, write=write)
