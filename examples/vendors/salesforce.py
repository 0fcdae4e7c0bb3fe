"""Opportunities of a Salesforce org, over `simple-salesforce`.

What the client (1.12.10) does that has to be known, and is put right here:

- A call that meets an expired session signs in again and is sent once more *without* the headers it
  was given, so that a conditional change becomes an unconditional one. The client is given an
  access token, not the means to get one: signing in again is ours.
- A record id is joined to the address as a relative link: `https://…` as id would lead the access
  token elsewhere, `../Account/…` to another object. Ids are checked.
- There is no time limit, and an `http://` address becomes an `https://` one (see `wire`).
- A date and time without zone is taken as local time. Here dates are texts.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeVar

import requests

from countersign import NothingHappenedError, OutcomeUnknownError
from countersign.examples.back_office import BackOfficeError, setting
from countersign.examples.refusals import UNAVAILABLE, perhaps_done, refused
from countersign.examples.uses import require
from countersign.examples.vendors.wire import never_sent, session

T = TypeVar("T")
_OPPORTUNITY = re.compile(r"006[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?")
_CHANGED_SINCE = 412
_VERSION = "%Y-%m-%d %H:%M:%S UTC"
_READ = (
    "Id, Name, Account.Name, StageName, Amount, CloseDate, Probability, "
    "LastModifiedDate, LastModifiedBy.Name"
)
_UNSURE = (
    "Salesforce did not answer. It is not known whether the change was made: look at the record."
)


class ChangedSinceError(NothingHappenedError):
    """Somebody has changed the record since the version that was approved."""


@dataclass(frozen=True)
class Opportunity:
    """One opportunity as it was read."""

    id: str
    name: str
    account: str
    stage: str
    amount: float | None
    close_date: str
    probability: float | None
    last_changed: str
    """The version of it: `2026-11-30 17:00:00 UTC`, in whole seconds as Salesforce keeps it."""
    changed_by: str
    request: str | None
    """The execution that its latest change through here came from."""

    @property
    def fields(self) -> dict[str, Any]:
        """What can be changed here, by the names of Salesforce."""
        return {"StageName": self.stage, "Amount": self.amount, "CloseDate": self.close_date}


class Org:
    """One org. Its methods block; they may be called in any thread."""

    def __init__(
        self, domain: str, key: str, secret: str, trace_field: str, stand_in: str | None = None
    ) -> None:
        self._domain, self._key, self._secret = domain, key, secret
        self._trace, self._stand_in = trace_field, stand_in
        self._lock = threading.Lock()
        self._client: Any = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Org:
        """Reads `salesforce_domain`, `salesforce_consumer_key`, `salesforce_consumer_secret` and
        `salesforce_trace_field`; `salesforce_stand_in` leads to one on this machine.

        Raises ValueError.
        """
        require("salesforce_update", ("simple-salesforce", "simple_salesforce"))
        stand_in = settings.get("salesforce_stand_in")
        session(stand_in).close()  # says what is wrong with it now
        keys = ("domain", "consumer_key", "consumer_secret", "trace_field")
        domain, key, secret, trace = (str(setting(settings, f"salesforce_{k}")) for k in keys)
        if not re.fullmatch(r"[A-Za-z]\w*", trace):
            raise ValueError(f"salesforce_trace_field: {trace!r} is no name of a field.")
        return cls(domain, key, secret, trace, stand_in)

    def opportunities(self, account: str) -> list[Opportunity]:
        """The open and closed ones of accounts whose name contains `account`. Raises
        BackOfficeError."""
        from simple_salesforce.format import format_soql

        if not account.strip():
            raise BackOfficeError("Name the account, or a part of its name.")
        where = format_soql("Account.Name LIKE '%{:like}%'", account.strip())
        return self._query(f"{where} ORDER BY CloseDate LIMIT 50")

    def opportunity(self, opportunity_id: str) -> Opportunity:
        """One of them as it is now. Raises BackOfficeError."""
        from simple_salesforce.format import format_soql

        found = self._query(format_soql("Id = {}", checked(opportunity_id)))
        if not found:
            raise BackOfficeError(f"Salesforce has no opportunity {opportunity_id}.")
        return found[0]

    def stages(self) -> dict[str, float]:
        """The stages that can be chosen, in their order, and the probability that comes with each.
        Raises BackOfficeError."""
        soql = (
            "SELECT MasterLabel, DefaultProbability FROM OpportunityStage "
            "WHERE IsActive = true ORDER BY SortOrder"
        )
        rows = self._read(lambda client: client.query_all(soql))["records"]
        return {row["MasterLabel"]: row["DefaultProbability"] for row in rows}

    def labels(self) -> dict[str, str]:
        """What people call each field. Raises BackOfficeError."""
        described = self._read(lambda client: client.Opportunity.describe())
        return {field["name"]: field["label"] for field in described["fields"]}

    def change(
        self, opportunity_id: str, fields: Mapping[str, Any], version: str, execution: str
    ) -> Opportunity:
        """Change these fields if the record still is of this version: the record afterwards.

        The change carries the execution, so that the record says by which approval it was made, and
        that it was made if the answer is lost. Raises ChangedSinceError, BackOfficeError or
        OutcomeUnknownError.
        """
        key = checked(opportunity_id)
        body = {**fields, self._trace: execution}
        headers = {"If-Unmodified-Since": http_date(version)}
        try:
            self._call(lambda client: client.Opportunity.update(key, body, headers=headers))
        except _StatusError as error:
            if error.status == _CHANGED_SINCE:
                raise ChangedSinceError(
                    "Somebody has changed the opportunity since it was approved. "
                    "Nothing was changed."
                ) from error
            if not perhaps_done(error.status):
                raise BackOfficeError(f"{error.said} Nothing was changed.") from error
            try:
                return self._done_after_all(key, execution, error)
            except OutcomeUnknownError:
                if error.status != UNAVAILABLE:
                    raise
                raise BackOfficeError(f"{error.said} Nothing was changed.") from error
        except requests.RequestException as error:
            if never_sent(error):
                said = "Salesforce cannot be reached. Nothing was changed."
                raise BackOfficeError(said) from error
            return self._done_after_all(key, execution, error)
        return self._as_it_is(key)

    def _done_after_all(self, key: str, execution: str, lost: Exception) -> Opportunity:
        """The record if it says that the change was made. That it does not say so proves nothing:
        the change may still come. Raises OutcomeUnknownError."""
        try:
            found = self.opportunity(key)
        except NothingHappenedError:
            raise OutcomeUnknownError(_UNSURE) from lost
        if found.request != execution:
            raise OutcomeUnknownError(_UNSURE) from lost
        return found

    def _as_it_is(self, key: str) -> Opportunity:
        try:
            return self.opportunity(key)
        except NothingHappenedError as error:  # the change was made: this must not say otherwise
            raise OutcomeUnknownError(
                f"The change was made, and the record could not be read afterwards: {error}"
            ) from error

    def _query(self, rest: str) -> list[Opportunity]:
        # What `rest` takes from anybody went through format_soql.
        soql = f"SELECT {_READ}, {self._trace} FROM Opportunity WHERE {rest}"  # noqa: S608
        rows = self._read(lambda client: client.query_all(soql))["records"]
        return [
            Opportunity(
                id=row["Id"],
                name=row["Name"],
                account=(row["Account"] or {}).get("Name") or "no account",
                stage=row["StageName"],
                amount=row["Amount"],
                close_date=row["CloseDate"],
                probability=row["Probability"],
                last_changed=version_of(row["LastModifiedDate"]),
                changed_by=(row["LastModifiedBy"] or {}).get("Name") or "unknown",
                request=row[self._trace],
            )
            for row in rows
        ]

    def _read(self, work: Callable[[Any], T]) -> T:
        """Raises BackOfficeError."""
        try:
            return self._call(work)
        except _StatusError as error:
            raise BackOfficeError(error.said) from error
        except requests.RequestException as error:
            raise BackOfficeError("Salesforce cannot be reached.") from error

    def _call(self, work: Callable[[Any], T], *, again: bool = True) -> T:
        """What the client gives; once more after signing in if the session is over, which is before
        anything was done. Raises _StatusError, BackOfficeError, requests.RequestException."""
        from simple_salesforce.exceptions import SalesforceError, SalesforceExpiredSession

        client = self._signed_in()
        try:
            return work(client)
        except SalesforceExpiredSession as error:
            if not again:
                raise _StatusError(error.status, error.content) from None
            with self._lock:
                if self._client is client:
                    self._client = None
        except SalesforceError as error:
            # Not from `error`: as text it has the address and all of the answer.
            raise _StatusError(error.status, error.content) from None
        return self._call(work, again=False)

    def _signed_in(self) -> Any:
        from simple_salesforce.api import Salesforce
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed
        from simple_salesforce.login import SalesforceLogin

        with self._lock:
            if self._client is None:
                wire = session(self._stand_in)
                try:
                    token, instance = SalesforceLogin(
                        consumer_key=self._key,
                        consumer_secret=self._secret,
                        domain=self._domain,
                        session=wire,
                    )
                except SalesforceAuthenticationFailed as error:
                    said = f"Salesforce does not let us in: {error.content!s}. Nothing was changed."
                    raise BackOfficeError(said) from None
                except requests.RequestException as error:
                    said = "Salesforce cannot be reached. Nothing was changed."
                    raise BackOfficeError(said) from error
                self._client = Salesforce(session_id=token, instance=instance, session=wire)
            return self._client


class _StatusError(Exception):
    """An answer that is none, with what Salesforce says of it."""

    def __init__(self, status: int, content: Any) -> None:
        super().__init__(status)
        self.status = status
        first = content[0] if isinstance(content, list) and content else {}
        words = str(first.get("message") or "") if isinstance(first, Mapping) else ""
        self.said = refused("Salesforce", status, words)


def checked(opportunity_id: str) -> str:
    """The id, if it is one of an opportunity. Raises BackOfficeError."""
    if _OPPORTUNITY.fullmatch(opportunity_id) is None:
        raise BackOfficeError(f"{opportunity_id!r} is no id of an opportunity. Nothing was done.")
    return opportunity_id


def version_of(last_modified: str) -> str:
    """A LastModifiedDate (`2026-11-30T17:00:00.000+0000`) as people read it.

    A fraction, which there is none of today, counts as the next second: as whoever asks for no
    change since then would have it.
    """
    at = datetime.fromisoformat(last_modified).astimezone(UTC)
    if at.microsecond:
        at = at.replace(microsecond=0) + timedelta(seconds=1)
    return at.strftime(_VERSION)


def http_date(version: str) -> str:
    """What `version_of` has given, as `If-Unmodified-Since` takes it."""
    return format_datetime(datetime.strptime(version, _VERSION).replace(tzinfo=UTC), usegmt=True)
