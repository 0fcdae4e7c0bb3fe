"""Reads have threads of their own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import text

from countersign.approvals.store import open_store


async def test_reading_and_closing_wait_for_nobody_in_the_loops_pool(tmp_path: Path) -> None:
    """AutoGen's model calls can fill it for minutes."""
    answered = threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    model_call = loop.run_in_executor(None, answered.wait)
    try:
        async with asyncio.timeout(10), open_store(f"sqlite:///{tmp_path}/a.db") as store:
            found = await store.read(lambda c: c.execute(text("SELECT 1")).scalar())
    finally:
        answered.set()

    assert await model_call
    assert 1 == found
