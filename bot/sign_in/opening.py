"""The configured issuer, open for as long as the server runs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from countersign.approvals.ports import Clock
from countersign.bot.settings.sign_in import SignInSettings
from countersign.bot.sign_in.flow import Flow
from countersign.bot.sign_in.issuer import Issuer
from countersign.bot.sign_in.way import CALLBACK


@asynccontextmanager
async def open_flow(
    settings: SignInSettings | None, public_url: str, clock: Clock
) -> AsyncIterator[Flow | None]:
    """Sign-ins with the issuer; None where none is configured. Nothing is asked of it yet."""
    if settings is None:
        yield None
        return
    import httpx  # only where somebody signs in

    async with httpx.AsyncClient(timeout=settings.timeout) as client:
        issuer = Issuer(settings, client, time.monotonic)
        yield Flow(issuer, public_url + CALLBACK, clock)
