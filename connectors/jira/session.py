"""The package `jira`, held so that it can do no harm; nothing but this and `client` touches it.

It blocks, so it works in threads of its own. What is avoided and why: its retries (a create that
was answered with 503 is sent again, and it sleeps up to a minute per attempt), its default of no
timeout, and its guess at the deployment (without it, searches go to an address that Cloud has
removed, or give None). Measured with 3.10.5.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from jira import JIRA
from jira.exceptions import JIRAError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from countersign.approvals.errors import CountersignError, UnansweredError, UnavailableError
from countersign.approvals.outages import named
from countersign.connectors.bounded_answers import BoundedAdapter, TooLargeError
from countersign.connectors.jira.refusals import credentials_refused, refused
from countersign.connectors.jira.settings import (
    LOOPBACK,
    ApiToken,
    JiraSettings,
    Password,
)
from countersign.connectors.retry_after import http_date

THREADS = 8
CONNECT_TIMEOUT_S = 10.0

Work = Callable[[JIRA], Any]


class _LoginFailedError(requests.RequestException):
    """Jira has answered as to somebody who is not signed in."""


class JiraSession:
    """Runs calls of the package, and says in our own errors how they went."""

    def __init__(self, settings: JiraSettings):
        self._settings = settings
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="jira")
        self._lock = threading.Lock()
        self._jira: JIRA | None = None
        self.site_time: datetime | None = None
        """The time of the newest answer, by the site's own clock."""

    async def run(self, what: str, work: Work, *, write: bool = False) -> Any:
        """The answer to `work`; `what` it is for, in words. Nothing is tried twice.

        Raises UnavailableError or NotFoundError; with `write` also UnansweredError (it may have
        been done) and FieldsError.
        """
        if write:
            await self._in_thread("signing in", lambda jira: None, write=False)
        return await self._in_thread(what, work, write=write)

    async def close(self) -> None:
        """Wait for what is on its way, and let go of the connections."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
        if self._jira is not None:
            self._jira.close()  # type: ignore[no-untyped-call]

    async def _in_thread(self, what: str, work: Work, *, write: bool) -> Any:
        limit_s = 3 * (CONNECT_TIMEOUT_S + self._settings.timeout)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit_s):
                return await loop.run_in_executor(
                    self._pool, partial(self._translated, what, work, write)
                )
        except TimeoutError as exc:
            raise _unclear(what, "took too long", write=write) from exc

    def _translated(self, what: str, work: Work, write: bool) -> Any:
        try:
            return work(self._connected())
        except JIRAError as exc:
            if exc.response is None:
                raise _unclear(what, "did not answer", write=write) from exc
            # Not from `exc`: as text it has all headers and the body of the answer, for any log.
            raise refused(exc.response, what, write=write) from None
        except _LoginFailedError as exc:
            raise credentials_refused(what) from exc
        except requests.TooManyRedirects as exc:
            if exc.response is not None:
                exc.response.close()
            raise UnavailableError(
                f"Jira sent us elsewhere for {what}; is connectors.jira.url right?"
            ) from exc
        except TooLargeError as exc:
            raise _unclear(what, "gave an answer that is too large", write=write) from exc
        except requests.RequestException as exc:
            sent = write and not _never_sent(exc)
            raise _unclear(what, f"cannot be reached ({named(exc)})", write=sent) from exc
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
            raise _unclear(what, "gave an answer that cannot be read", write=write) from exc
        except CountersignError:
            raise
        except Exception as exc:  # of the package, or of one that it uses: nobody lists them all
            raise _unclear(what, f"cannot be used ({named(exc)})", write=write) from exc

    def _connected(self) -> JIRA:
        with self._lock:
            if self._jira is None:
                jira = _unconnected(self._settings, self._look_at)
                try:
                    _learn_deployment(jira, self._settings)
                    # Or else the first search would do it.
                    jira._update_fields_cache()  # type: ignore[no-untyped-call]
                except BaseException:  # whatever it is, the half-open session must not be left
                    jira.close()  # type: ignore[no-untyped-call]
                    raise
                self._jira = jira
            return self._jira

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
    session = jira._session
    session.trust_env = urlsplit(settings.api_url).hostname not in LOOPBACK
    session.max_redirects = 0
    # A session cookie would outlive the credentials.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter(pool_maxsize=THREADS, max_retries=0))
    session.hooks["response"].append(on_answer)
    return jira


def _learn_deployment(jira: JIRA, settings: JiraSettings) -> None:
    """Tell the package what it talks to. Raises UnavailableError if the settings say otherwise."""
    found = jira._get_json("serverInfo").get("deploymentType")  # `server_info` asks four times
    if (found == "Cloud") != settings.cloud:
        should = "cloud" if found == "Cloud" else "datacenter"
        raise UnavailableError(f"This is Jira {found}; set connectors.jira.deployment to {should}.")
    jira.deploymentType = found


def _unclear(what: str, said: str, *, write: bool) -> CountersignError:
    kind = UnansweredError if write else UnavailableError
    return kind(f"Jira {said}: {what}.")


def _never_sent(error: requests.RequestException) -> bool:
    """Whether there was no connection to send anything through."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    return isinstance(reason, NewConnectionError | requests.exceptions.ProxyError)
