"""The Table API through pysnow, which nothing else here touches.

pysnow 0.7.17 blocks, so it works in threads of its own. What is avoided and why: one `Resource` for
several calls (they share their parameters, and a create after a get sends the old query), `update`
(reads first, by a query), its OAuth client (password grant only), and its booleans (`True`; the API
documents `true`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import MaxRetryError, NewConnectionError

from countersign.approvals.errors import CountersignError, UnansweredError, UnavailableError
from countersign.approvals.outages import named
from countersign.connectors.bounded_answers import BoundedAdapter, TooLargeError
from countersign.connectors.servicenow.oauth import ClientCredentials, TokenError
from countersign.connectors.servicenow.refusals import refused
from countersign.connectors.servicenow.settings import LOOPBACK, BasicAuth, ServiceNowSettings

Row = Mapping[str, Any]
"""A record as it came: untrusted."""
THREADS = 8
PAGE = 2_000
"""Rows of one answer; more are read with further calls."""
CONNECT_TIMEOUT_S = 10.0


class ServiceNowClient:
    """Every method raises UnavailableError, InvalidError or NotFoundError; those that write raise
    UnansweredError if it may have been done. Nothing is tried twice."""

    def __init__(self, settings: ServiceNowSettings):
        self._settings = settings
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="servicenow")
        self._lock = threading.Lock()
        self._client: Any = None

    async def rows(
        self, table: str, query: str, columns: Sequence[str], *, most: int | None = None
    ) -> list[Row]:
        """All rows that the instance thinks match, or the first `most`; check them again."""
        found: list[Row] = []
        size = PAGE if most is None else most
        while True:
            work = partial(self._list, table, query, columns, len(found), size)
            page = await self._run(f"reading {table}", work, write=False)
            found += page
            if len(page) < size or most is not None:
                return found

    async def row(
        self, table: str, sys_id: str, columns: Sequence[str], *, shown: bool = False
    ) -> Row:
        """One row; with `shown` each value as people see it, beside the stored one."""
        work = partial(self._one, "GET", table, sys_id, columns, None, shown)
        return (await self._run(f"reading {table} {sys_id}", work, write=False))[0]

    async def create(self, table: str, values: Mapping[str, str], columns: Sequence[str]) -> Row:
        """A new row, as it was stored."""
        work = partial(self._one, "POST", table, "", columns, values, False)
        return (await self._run(f"a new row of {table}", work, write=True))[0]

    async def update(
        self, table: str, sys_id: str, values: Mapping[str, str], columns: Sequence[str] = ()
    ) -> Row:
        """The row after `values` were set."""
        work = partial(self._one, "PATCH", table, sys_id, [*columns, "sys_id"], values, False)
        return (await self._run(f"an update of {table} {sys_id}", work, write=True))[0]

    async def close(self) -> None:
        """Wait for what is on its way, and let go of the connections."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    async def _run(self, what: str, work: Callable[[], Any], *, write: bool) -> list[Row]:
        limit_s = CONNECT_TIMEOUT_S + 3 * self._settings.timeout
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit_s):
                return await loop.run_in_executor(
                    self._pool, partial(_translated, what, work, write)
                )
        except TimeoutError as exc:
            raise _unclear(what, "took too long", write=write) from exc

    def _list(self, table: str, query: str, columns: Sequence[str], offset: int, size: int) -> Any:
        resource = self._resource(f"/table/{table}")
        answer = resource.get(query=query, fields=list(columns), limit=size, offset=offset)
        return answer.all()

    def _one(
        self,
        method: str,
        table: str,
        sys_id: str,
        columns: Sequence[str],
        values: Mapping[str, str] | None,
        shown: bool,
    ) -> Any:
        resource = self._resource(f"/table/{table}", shown=shown)
        resource.parameters.fields = list(columns)
        append = {"path_append": f"/{sys_id}"} if sys_id else {}
        body = {} if values is None else {"json": dict(values)}
        return [resource.request(method, **append, **body).one()]

    def _resource(self, path: str, *, shown: bool = False) -> Any:
        timeouts = (CONNECT_TIMEOUT_S, self._settings.timeout)
        resource = self._connected().resource(api_path=path, timeout=timeouts)
        resource.parameters.add_custom(
            {
                "sysparm_display_value": "all" if shown else "false",
                "sysparm_exclude_reference_link": "true",
                "sysparm_suppress_pagination_header": "true",
            }
        )
        return resource

    def _connected(self) -> Any:
        import pysnow  # the only place; importing it takes a while

        with self._lock:
            if self._client is None:
                parts = urlsplit(self._settings.url)
                self._client = pysnow.Client(
                    host=parts.netloc,
                    use_ssl=parts.scheme == "https",
                    session=_session(self._settings),
                )
            return self._client


def _session(settings: ServiceNowSettings) -> requests.Session:
    session = requests.Session()
    local = urlsplit(settings.url).hostname in LOOPBACK
    session.trust_env = not local
    session.max_redirects = 0
    # A session cookie would outlive the credentials, and calls of one session wait for each other.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter(pool_maxsize=THREADS, max_retries=0))
    auth = settings.auth
    session.auth = (
        HTTPBasicAuth(auth.user, auth.password.get_secret_value())
        if isinstance(auth, BasicAuth)
        else ClientCredentials(settings.url, auth, settings.timeout, trust_env=not local)
    )
    return session


def _translated(what: str, work: Callable[[], Any], write: bool) -> list[Row]:
    """The rows, or an error of ours. Runs in a thread."""
    import pysnow.exceptions

    try:
        rows = work()
    except TokenError as exc:
        raise UnavailableError(str(exc), retry_after_s=exc.retry_after_s) from exc
    except requests.HTTPError as exc:
        raise refused(exc.response, what, write=write) from exc
    except requests.TooManyRedirects as exc:
        raise UnavailableError(
            f"ServiceNow sent us elsewhere for {what}; is connectors.servicenow.url right?"
        ) from exc
    except TooLargeError as exc:
        raise _unclear(what, "gave an answer that is too large", write=write) from exc
    except requests.RequestException as exc:
        sent = write and not _never_sent(exc)
        raise _unclear(what, f"cannot be reached ({named(exc)})", write=sent) from exc
    except (pysnow.exceptions.PysnowException, ValueError, AttributeError, TypeError) as exc:
        # A hibernating instance answers 200 with a page.
        said = "gave an answer that cannot be read; is the instance awake?"
        raise _unclear(what, said, write=write) from exc
    except CountersignError:
        raise
    except Exception as exc:  # of pysnow, or of one that it uses: nobody lists them all
        raise _unclear(what, f"cannot be used ({named(exc)})", write=write) from exc
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unclear(what, "gave an answer that cannot be read", write=write)
    return rows


def _unclear(what: str, said: str, *, write: bool) -> CountersignError:
    kind = UnansweredError if write else UnavailableError
    return kind(f"ServiceNow {said}: {what}.")


def _never_sent(error: requests.RequestException) -> bool:
    """Whether there was no connection to send anything through."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    return isinstance(reason, NewConnectionError) or isinstance(
        error, requests.exceptions.ProxyError
    )
