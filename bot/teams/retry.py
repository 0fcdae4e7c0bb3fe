"""Retries of sending: only where the channel says the message was not taken, and not for long."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import aiohttp

from countersign.approvals.backoff import backoff_s
from countersign.approvals.errors import CountersignError, UnavailableError
from countersign.approvals.outages import named
from countersign.bot.teams.connector_error import ConnectorError
from countersign.bot.teams.refusals import RETRIED, translated

T = TypeVar("T")


@dataclass(frozen=True)
class Retry:
    """How patient one call is. Longer waits belong to the job that made the call."""

    attempts: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 4.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def run(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        """The value of `call`, which does nothing but call the vendor: whatever it raises ends
        here.

        Raises UnavailableError (come again, perhaps after `retry_after_s`), of which
        UnreachableError and MisdirectedError are kinds, or NotFoundError.
        """
        for attempt in range(1, self.attempts + 1):
            try:
                return await call()
            except ConnectorError as error:
                wait_s = self._wait_s(attempt, error)
                if wait_s is None:
                    raise translated(what, error) from error
                await self.sleep(wait_s)
            except PermissionError as error:  # an OSError, so it comes first
                raise UnavailableError(
                    f"{what}: no access token; check teams.app_id, app_password and tenant_id"
                ) from error
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                # Not repeated here: the channel may have taken the message.
                raise UnavailableError(
                    f"{what}: Teams cannot be reached ({named(error)})"
                ) from error
            except CountersignError:
                raise
            except Exception as error:  # msrest, MSAL and botbuilder have more classes than docs
                how = "Teams gave an answer that cannot be read"
                if not _is_about_an_answer(error):
                    how = f"Microsoft's library failed ({named(error)})"
                raise UnavailableError(f"{what}: {how}") from error
        raise AssertionError("unreachable: the last attempt has no wait")

    def _wait_s(self, attempt: int, error: ConnectorError) -> float | None:
        if error.status not in RETRIED or attempt == self.attempts:
            return None
        wait_s = backoff_s(
            attempt - 1, self.first_wait_s, math.inf, error.retry_after_s, 0.5 + self.jitter()
        )
        return wait_s if wait_s <= self.longest_wait_s else None


def _is_about_an_answer(error: Exception) -> bool:
    from msrest.exceptions import ClientException  # only Teams needs it, and only when it is used

    return isinstance(error, ClientException)
