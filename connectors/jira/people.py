"""Accounts of people: how we know them, and how the REST API wants them named.

On Cloud both are the account id. On Data Center we know the user key, which stays when somebody is
renamed, and the API takes the name. Identities are kept in lower case; keys that Jira makes are
written `JIRAUSER10100`, those of users from before Jira 8.4 are lower case. Source:
developer.atlassian.com, "GDPR changes in Jira Server and Data Center", read 2026-11-25.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from countersign.approvals.errors import InvalidError, NotFoundError, UnavailableError
from countersign.approvals.models import Principal
from countersign.connectors.jira.client import JiraClient
from countersign.connectors.jira.settings import JiraSettings
from countersign.connectors.jira.wire import Account, account

NAME = "jira"
_MADE_KEY = re.compile(r"jirauser\d+")


class People:
    """Looks people up once; ids do not change."""

    def __init__(self, client: JiraClient, settings: JiraSettings):
        self._client, self._settings = client, settings
        self._own: Account | None = None
        self._names: dict[str, str] = {}

    @property
    def own_id(self) -> str | None:
        """Our own account; None before anything was asked."""
        return None if self._own is None else self._own.id

    async def own(self) -> str:
        """The id of our own account."""
        if self._own is None or self._own.id is None:
            self._own = account(await self._client.get("myself", "who we are"))
        return self._own.id or ""

    async def check_credentials(self) -> None:
        """Return if Jira knows us now. Raises UnavailableError."""
        if account(await self._client.get("myself", "who we are")).id != await self.own():
            raise UnavailableError("Jira takes us for somebody else; check connectors.jira.auth.")

    async def named(self, people: Sequence[Principal]) -> list[dict[str, str]]:
        """These people as values of a user field. Raises InvalidError for somebody unknown."""
        return [await self._named(person) for person in people]

    async def found(self, person: Principal) -> Any:
        """The account of a person, as Jira tells it. Raises NotFoundError."""
        identity = person.identities.get(NAME, "")
        what = f"the account {identity} of {person.name}"
        if self._settings.cloud:
            return await self._client.get("user", what, accountId=identity)
        key = identity.upper() if _MADE_KEY.fullmatch(identity) else identity
        return await self._client.get("user", what, key=key)

    async def assignable(self, person: Principal, found: Any) -> bool:
        """Whether an issue of the project can be assigned to this account."""
        who = (
            {"accountId": person.identities.get(NAME, "")}
            if self._settings.cloud
            else {"username": str(found.get("name"))}
        )
        project = self._settings.project
        path = "user/assignable/search"
        others = await self._client.get(path, "who can be assigned", project=project, **who)
        ids = [account(other).id for other in others] if isinstance(others, list) else []
        return account(found).id in ids

    async def _named(self, person: Principal) -> dict[str, str]:
        identity = person.identities.get(NAME, "")
        if self._settings.cloud:
            return {"accountId": identity}
        if identity not in self._names:
            try:
                raw = await self.found(person)
            except NotFoundError as exc:
                raise InvalidError(
                    f"Jira has no user with the key {identity} ({person.name}); set "
                    "identities.jira to the `key` that /rest/api/2/user?username=… shows."
                ) from exc
            name = raw.get("name") if isinstance(raw, dict) else None
            if not isinstance(name, str) or account(raw).id != identity:
                raise InvalidError(f"Jira does not say the name of the user {identity}.")
            self._names[identity] = name
        return {"name": self._names[identity]}
