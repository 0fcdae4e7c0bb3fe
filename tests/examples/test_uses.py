"""What all uses share: clients that may be missing, and clients that block."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

from countersign.examples.back_office import BackOfficeError
from countersign.examples.uses import Lane, lane, require

WHO: ContextVar[str] = ContextVar("WHO")


def test_what_is_missing_is_named_with_what_to_install() -> None:
    with pytest.raises(ValueError, match=r"filing needs python-dokx and nothing-like-it\.") as said:
        require(
            "filing",
            ("python-docx", "docx"),
            ("python-dokx", "dokx"),
            ("nothing-like-it", "dokx.inner"),
        )

    assert "pip install 'countersign-approvals[uses]'" in str(said.value)


def test_nothing_is_imported_to_see_whether_it_is_there() -> None:
    require("filing", ("python-docx", "docx"))


async def test_client_that_blocks_keeps_its_own_threads_and_nobody_elses() -> None:
    """Shown by order: what hangs is let go only after everything else has been asserted."""
    go_on = threading.Event()
    busy, other = (Lane(name, ThreadPoolExecutor(1)) for name in ("The ERP", "The CRM"))
    with busy.pool, other.pool:
        hangs = asyncio.create_task(busy.run(go_on.wait, within_s=30))
        try:
            assert 7 == await other.run(lambda: 7, within_s=30)
            with pytest.raises(BackOfficeError, match="The ERP does not answer what was asked"):
                await busy.run(lambda: pytest.fail("It ran."), within_s=0.05)
        finally:
            go_on.set()
        assert await hangs


async def test_what_has_begun_and_not_ended_is_no_refusal() -> None:
    go_on = threading.Event()
    slow = Lane("The ERP", ThreadPoolExecutor(1))
    with slow.pool:
        try:
            with pytest.raises(TimeoutError):
                await slow.run(go_on.wait, within_s=0.05)
        finally:
            go_on.set()


async def test_function_runs_in_the_context_of_whoever_asks() -> None:
    WHO.set("alex")

    assert "alex" == await lane("test").run(WHO.get, within_s=30)
    assert lane("test") is lane("test")
