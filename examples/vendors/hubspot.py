"""Deals of a HubSpot account, over `hubspot-api-client`.

What has to be known of the service and of its client (12.0.0), and is put right here:

- There is no conditional write: a change cannot say which version it is meant for. So the deal is
  read right before, and its history right after: what somebody else did in between is said.
- Each attribute (`client.crm.deals`) makes a new client with a pool of connections of its own,
  which forgets what was set on the one before. It is made once.
- A read that meets 429 is sent again as often, and waited for as long, as the answer says, unless
  it is told otherwise; with `retry=` as its manual has it, it ends in an error of `urllib3`.
- There is no time limit unless each call has one.
- Values are texts, in and out; a stage is an id, whose label is in the pipeline.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from urllib3 import Retry
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from countersign import NothingHappenedError, OutcomeUnknownError
from countersign.examples.back_office import BackOfficeError, setting
from countersign.examples.refusals import UNAVAILABLE, perhaps_done, refused, words_of
from countersign.examples.uses import require
from countersign.examples.vendors.wire import CONNECT_TIMEOUT_S, READ_TIMEOUT_S

T = TypeVar("T")
FIELDS = ("dealstage", "amount", "closedate")
_LIMITS = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
_VERSION = "%Y-%m-%d %H:%M:%S.%f"
_UNSURE = "HubSpot did not answer. It is not known whether the change was made: look at the deal."


class ChangedSinceError(NothingHappenedError):
    """Somebody has changed the deal since the version that was approved."""


@dataclass(frozen=True)
class Deal:
    """One deal as it was read."""

    id: str
    name: str
    pipeline: str
    stage: str
    """Its label; another pipeline may have one that is called so, too."""
    amount: float | None
    close_date: str
    last_changed: str
    """The version of it: `2026-11-30 17:00:00.120 UTC`, in milliseconds as HubSpot keeps it."""
    request: str | None
    """The execution that its latest change through here came from."""


class Account:
    """One account. Its methods block; they may be called in any thread."""

    def __init__(self, token: str, url: str, trace: str) -> None:
        self._token, self._url, self._trace = token, url, trace
        self._lock = threading.Lock()
        self._parts: tuple[Any, Any, Any] | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Account:
        """Reads `hubspot_token`, `hubspot_url` and `hubspot_trace_property`. Raises ValueError."""
        require("hubspot_update", ("hubspot-api-client", "hubspot"))
        token, url, trace = (
            str(setting(settings, f"hubspot_{key}")) for key in ("token", "url", "trace_property")
        )
        return cls(token, url.rstrip("/"), trace)

    def deals(self, name: str) -> list[Deal]:
        """Those whose name has a word that begins so. Raises BackOfficeError."""
        from hubspot.crm.deals import Filter, FilterGroup, PublicObjectSearchRequest

        words = re.findall(r"\w+", name)
        if not words:
            raise BackOfficeError("Name the customer, or the beginning of its name.")
        wanted = [
            Filter(property_name="dealname", operator="CONTAINS_TOKEN", value=f"{word}*")
            for word in words
        ]
        asked = PublicObjectSearchRequest(
            filter_groups=[FilterGroup(filters=wanted)], properties=self._names, limit=50
        )
        labels = self._labels()
        found = self._read(
            lambda deals, search, pipelines: search.do_search(
                public_object_search_request=asked, _request_timeout=_LIMITS
            )
        )
        return [self._deal(one, labels) for one in found.results]

    def deal(self, deal_id: str) -> Deal:
        """One of them as it is now. Raises BackOfficeError, also for one that was archived."""
        return self._deal(self._raw(deal_id), self._labels())

    def pipelines(self) -> dict[str, dict[str, str]]:
        """The label of each stage by its id, in their order, for each pipeline by its id.

        Raises BackOfficeError.
        """
        found = self._read(
            lambda deals, search, pipelines: pipelines.get_all("deals", _request_timeout=_LIMITS)
        )
        return {
            pipeline.id: {stage.id: stage.label for stage in pipeline.stages}
            for pipeline in found.results
        }

    def change(
        self, deal_id: str, properties: Mapping[str, str], version: str, execution: str
    ) -> tuple[Deal, list[str]]:
        """Change these if the deal still is of this version: the deal afterwards, and what was
        written over that had come between the look and the change.

        Raises ChangedSinceError, BackOfficeError or OutcomeUnknownError.
        """
        from hubspot.crm.deals import SimplePublicObjectInput

        key = checked(deal_id)
        before = self._raw(key)
        if version_of(before.updated_at) != version:
            raise ChangedSinceError(
                "Somebody has changed the deal since it was approved. Nothing was changed."
            )
        body = SimplePublicObjectInput(properties={**properties, self._trace: execution})
        try:
            self._call(
                lambda deals, search, pipelines: deals.update(
                    key, simple_public_object_input=body, _request_timeout=_LIMITS
                )
            )
        except _StatusError as error:
            if not perhaps_done(error.status):
                raise BackOfficeError(f"{error.said} Nothing was changed.") from None
            try:
                self._look_for(key, execution, error)
            except OutcomeUnknownError:
                if error.status != UNAVAILABLE:
                    raise
                raise BackOfficeError(f"{error.said} Nothing was changed.") from None
        except HTTPError as error:
            if _never_sent(error):
                said = "HubSpot cannot be reached. Nothing was changed."
                raise BackOfficeError(said) from error
            self._look_for(key, execution, error)
        try:
            after = self._raw(key, history=tuple(properties))
            return self._deal(after, self._labels()), _between(before, after, properties)
        except NothingHappenedError as error:  # the change was made: this must not say otherwise
            raise OutcomeUnknownError(
                f"The change was made, and the deal could not be read afterwards: {error}"
            ) from error

    def _look_for(self, key: str, execution: str, lost: Exception) -> None:
        """Return if the deal says that the change was made. That it does not say so proves nothing.

        Raises OutcomeUnknownError.
        """
        try:
            found = self._raw(key)
        except NothingHappenedError:
            raise OutcomeUnknownError(_UNSURE) from lost
        if found.properties.get(self._trace) != execution:
            raise OutcomeUnknownError(_UNSURE) from lost

    def _labels(self) -> dict[str, str]:
        return {key: label for stages in self.pipelines().values() for key, label in stages.items()}

    @property
    def _names(self) -> list[str]:
        return ["dealname", "pipeline", *FIELDS, self._trace]

    def _raw(self, deal_id: str, history: tuple[str, ...] = ()) -> Any:
        key = checked(deal_id)
        more = {"properties_with_history": list(history)} if history else {}
        return self._read(
            lambda deals, search, pipelines: deals.get_by_id(
                key, properties=self._names, _request_timeout=_LIMITS, **more
            )
        )

    def _deal(self, one: Any, labels: Mapping[str, str]) -> Deal:
        given = one.properties
        return Deal(
            id=one.id,
            name=given.get("dealname") or "no name",
            pipeline=given.get("pipeline") or "",
            stage=labels.get(given.get("dealstage") or "", given.get("dealstage") or ""),
            amount=float(given["amount"]) if given.get("amount") else None,
            close_date=(given.get("closedate") or "")[:10],
            last_changed=version_of(one.updated_at),
            request=given.get(self._trace) or None,
        )

    def _read(self, work: Callable[..., T]) -> T:
        """Raises BackOfficeError."""
        try:
            return self._call(work)
        except _StatusError as error:
            raise BackOfficeError(error.said) from None
        except HTTPError as error:
            raise BackOfficeError("HubSpot cannot be reached.") from error

    def _call(self, work: Callable[..., T]) -> T:
        """What the client gives. Raises _StatusError, or an error of urllib3."""
        from hubspot.crm.deals.exceptions import ApiException as OfDeals
        from hubspot.crm.pipelines.exceptions import ApiException as OfPipelines

        try:
            return work(*self._connected())
        except (OfDeals, OfPipelines) as error:
            # Not from `error`: as text it has headers and the whole answer.
            raise _StatusError(error.status, error.body, error.headers) from None

    def _connected(self) -> tuple[Any, Any, Any]:
        from hubspot import Client

        with self._lock:
            if self._parts is None:
                never = Retry(0, respect_retry_after_header=False)
                client = Client.create(access_token=self._token, host=self._url, retry=never)
                deals = client.crm.deals
                self._parts = (
                    deals.basic_api,
                    deals.search_api,
                    client.crm.pipelines.pipelines_api,
                )
            return self._parts


class _StatusError(Exception):
    """An answer that is none, with what HubSpot says of it."""

    def __init__(self, status: int, body: Any, headers: Any) -> None:
        super().__init__(status)
        self.status = status
        later = (headers or {}).get("Retry-After")
        self.said = refused("HubSpot", status, words_of(body or ""), later=later)


def checked(deal_id: str) -> str:
    """The id, if it is one. Raises BackOfficeError."""
    if not (deal_id.isascii() and deal_id.isdigit()):
        raise BackOfficeError(f"{deal_id!r} is no id of a deal. Nothing was done.")
    return deal_id


def version_of(at: datetime) -> str:
    """When a deal was last changed, as people read it: to the millisecond."""
    return f"{at.astimezone(UTC).strftime(_VERSION)[:-3]} UTC"


def _between(before: Any, after: Any, properties: Mapping[str, str]) -> list[str]:
    """What the history says of somebody else's change between the look and ours, property by
    property: the value before ours is another one than we had read."""
    found = []
    for name in properties:
        history = (after.properties_with_history or {}).get(name) or []
        earlier = history[1].value if len(history) > 1 else None
        if earlier is not None and earlier != before.properties.get(name):
            found.append(f"{name} {earlier}")
    return found


def _never_sent(error: HTTPError) -> bool:
    """Whether there was no connection through which anything could have been sent."""
    return isinstance(error, MaxRetryError) and isinstance(error.reason, NewConnectionError)
