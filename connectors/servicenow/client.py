"""The Table API through pysnow, which nothing else here touches.

pysnow 0.7.17 blocks, so it works in threads of its own. What is avoided and why: one `Resource` for
several calls (they share their parameters, and a create after a get sends the old query), `update`
(reads first, by a query), its OAuth client (password grant only), and its booleans (`True`; the API
documents `true`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth

from countersign.approvals.errors import CountersignError
from countersign.connectors.blocking import (
    CONNECT_TIMEOUT_S,
    BlockingClient,
    bounded,
    unclear,
)
from countersign.connectors.servicenow.oauth import ClientCredentials
from countersign.connectors.servicenow.refusals import refused
from countersign.connectors.servicenow.settings import BasicAuth, ServiceNowSettings

Row = Mapping[str, Any]
"""A record as it came: untrusted."""
PAGE = 2_000
"""Rows of one answer; more are read with further calls."""
UNREADABLE = "gave an answer that cannot be read; is the instance awake?"
"""A hibernating instance answers 200 with a page."""


class ServiceNowClient:
    """Every method raises UnavailableError, InvalidError or NotFoundError; those that write raise
    UnansweredError if it may have been done. Nothing is tried twice."""

    def __init__(self, settings: ServiceNowSettings):
        self._settings = settings
        self._client = BlockingClient[Any](
            "servicenow",
            "ServiceNow",
            self._connect,
            _refused,
            timeout_s=settings.timeout,
            unreadable=UNREADABLE,
        )

    async def rows(
        self, table: str, query: str, columns: Sequence[str], *, most: int | None = None
    ) -> list[Row]:
        """All rows that the instance thinks match, or the first `most`; check them again."""
        found: list[Row] = []
        size = PAGE if most is None else most
        while True:
            work = partial(self._list, table, query, columns, len(found), size)
            page = await self._client.run(f"reading {table}", work)
            found += page
            if len(page) < size or most is not None:
                return found

    async def row(
        self, table: str, sys_id: str, columns: Sequence[str], *, shown: bool = False
    ) -> Row:
        """One row; with `shown` each value as people see it, beside the stored one."""
        work = partial(self._one, "GET", table, sys_id, columns, None, shown)
        return await self._client.run(f"reading {table} {sys_id}", work)

    async def create(self, table: str, values: Mapping[str, str], columns: Sequence[str]) -> Row:
        """A new row, as it was stored."""
        work = partial(self._one, "POST", table, "", columns, values, False)
        return await self._client.run(f"a new row of {table}", work, write=True)

    async def update(
        self, table: str, sys_id: str, values: Mapping[str, str], columns: Sequence[str] = ()
    ) -> Row:
        """The row after `values` were set."""
        work = partial(self._one, "PATCH", table, sys_id, [*columns, "sys_id"], values, False)
        return await self._client.run(f"an update of {table} {sys_id}", work, write=True)

    async def close(self) -> None:
        """Wait for what is on its way, and let go of the connections."""
        await self._client.close()

    def _list(
        self,
        table: str,
        query: str,
        columns: Sequence[str],
        offset: int,
        size: int,
        client: Any,
    ) -> list[Row]:
        resource = self._resource(client, f"/table/{table}")
        answer = resource.get(query=query, fields=list(columns), limit=size, offset=offset)
        rows = answer.all()
        if not isinstance(rows, list):
            raise TypeError("no list of rows")
        return [_row(row) for row in rows]

    def _one(
        self,
        method: str,
        table: str,
        sys_id: str,
        columns: Sequence[str],
        values: Mapping[str, str] | None,
        shown: bool,
        client: Any,
    ) -> Row:
        resource = self._resource(client, f"/table/{table}", shown=shown)
        resource.parameters.fields = list(columns)
        append = {"path_append": f"/{sys_id}"} if sys_id else {}
        body = {} if values is None else {"json": dict(values)}
        return _row(resource.request(method, **append, **body).one())

    def _resource(self, client: Any, path: str, *, shown: bool = False) -> Any:
        timeouts = (CONNECT_TIMEOUT_S, self._settings.timeout)
        resource = client.resource(api_path=path, timeout=timeouts)
        resource.parameters.add_custom(
            {
                "sysparm_display_value": "all" if shown else "false",
                "sysparm_exclude_reference_link": "true",
                "sysparm_suppress_pagination_header": "true",
            }
        )
        return resource

    def _connect(self) -> Any:
        import pysnow  # the only place; importing it takes a while

        parts = urlsplit(self._settings.url)
        return pysnow.Client(
            host=parts.netloc,
            use_ssl=parts.scheme == "https",
            session=_session(self._settings),
        )


def _session(settings: ServiceNowSettings) -> requests.Session:
    session = bounded(requests.Session(), settings.url)
    auth = settings.auth
    session.auth = (
        HTTPBasicAuth(auth.user, auth.password.get_secret_value())
        if isinstance(auth, BasicAuth)
        else ClientCredentials(settings.url, auth, settings.timeout)
    )
    return session


def _row(value: object) -> Row:
    if not isinstance(value, dict):
        raise TypeError("no row")
    return value


def _refused(exc: Exception, what: str, write: bool) -> CountersignError | None:
    import pysnow.exceptions

    match exc:
        case requests.HTTPError():
            return refused(exc.response, what, write=write)
        case pysnow.exceptions.PysnowException():
            return unclear("ServiceNow", UNREADABLE, what, write=write)
    return None
