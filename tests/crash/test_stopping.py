"""A server that is told to stop: real processes, real signals."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack import Stack, stack, until

SECOND_SIGNAL = 128 + signal.SIGTERM


@contextmanager
def running(path: Path, **limits: str) -> Iterator[Stack]:
    """The product, with these limits."""
    with stack(path, adjust=lambda settings: settings.update(limits=limits)) as product:
        product.start()
        yield product


def slow(stand_in: dict[str, Any], delay_s: float, path: str) -> None:
    """The next request there takes its time."""
    fault = {"kind": "slow", "delay_s": delay_s, "path": path}
    base = stand_in["url"]
    httpx.post(f"{base}/_sandbox/fault", json=fault, timeout=10).raise_for_status()


def tell(product: Stack) -> None:
    """One SIGTERM, to the server alone."""
    os.kill(product.server.pid, signal.SIGTERM)


def status_is(product: Stack, request: dict[str, Any], status: str) -> Callable[[], bool]:
    return lambda: product.get(f"/requests/{request['id']}")["status"] == status


def executing(product: Stack, delay_s: float) -> tuple[str, dict[str, Any]]:
    """A session whose tool runs now, and takes so long."""
    session = product.ask()
    request = product.pending()
    slow(product.crm, delay_s, "/quotes")
    assert product.vote(request).status_code == 200
    until(status_is(product, request, "executing"), "the tool to run")
    return session, request


def restart(product: Stack) -> None:
    product.new_server()
    product.start()


def test_a_short_tool_ends_first_and_nothing_is_in_doubt(tmp_path: Path) -> None:
    with running(tmp_path, grace="30s") as product:
        session, request = executing(product, 2.0)
        tell(product)
        status = product.server.wait()
        said = product.server.text()
        restart(product)
        ended = product.ended(session)
        executed = product.get(f"/requests/{request['id']}")

        assert (0, "completed", "executed") == (status, ended["status"], executed["status"])
        assert 1 == sum(e["action"] == "create_quote" for e in product.effects())
        assert "session put down" in said
        assert "cut off" not in said
        assert product.ledger_verifies()


def test_a_tool_that_takes_longer_than_the_grace_is_in_doubt_and_the_log_says_so(
    tmp_path: Path,
) -> None:
    with running(tmp_path, grace="1s") as product:
        session, request = executing(product, 20.0)
        tell(product)
        status = product.server.wait(15.0)
        said = product.server.text()
        restart(product)
        ended = product.ended(session)
        doubted = product.get(f"/requests/{request['id']}")

        assert (0, "completed", "in_doubt") == (status, ended["status"], doubted["status"])
        assert "tool cut off: its request will be in doubt" in said
        assert request["id"] in said
        assert product.ledger_verifies()


def test_a_model_that_takes_long_is_not_waited_for_and_the_session_goes_on_at_once(
    tmp_path: Path,
) -> None:
    with running(tmp_path, grace="60s") as product:
        slow(product.model, 40.0, "/chat/completions")
        session = product.ask()
        until(lambda: _asked(product), "the model to be asked")
        tell(product)
        status = product.server.wait(20.0)
        restart(product)
        request = product.pending()

        assert (0, session) == (status, request["session_id"])


def test_it_says_that_it_stops_before_it_stops_and_decides_until_then(tmp_path: Path) -> None:
    """A second signal ends it at once, and the vote that was counted is not lost."""
    with running(tmp_path, drain="60s") as product:
        product.ask()
        request = product.pending()
        tell(product)
        until(lambda: not product.ready(), "the server to say that it stops")
        answer = httpx.get(f"{product.url}/readyz", timeout=5)
        vote = product.vote(request)
        tell(product)
        status = product.server.wait(10.0)
        said = product.server.text()
        restart(product)

        assert (503, {"server": "stopping"}) == (answer.status_code, answer.json()["checks"])
        assert (200, SECOND_SIGNAL) == (vote.status_code, status)
        assert "second signal: ended at once" in said
        assert "completed" == product.ended(request["session_id"])["status"]
        assert product.ledger_verifies()


def _asked(product: Stack) -> bool:
    answer = httpx.get(f"{product.model['url']}/_sandbox/fault", timeout=5)
    return bool(answer.json() == [])


@pytest.fixture(autouse=True)
def _patient(request: pytest.FixtureRequest) -> None:
    request.node.add_marker(pytest.mark.timeout(180))
