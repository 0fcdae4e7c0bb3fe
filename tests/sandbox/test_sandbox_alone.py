"""Every stand-in as a program: one JSON line, a clean end, a clear word on a taken port."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import signal
import socket
import warnings
from collections import Counter
from pathlib import Path

import httpx
import pytest
from aiohttp import web

import countersign
from countersign.sandbox._serve import serve
from tests.sandbox.programs import begin

PROGRAMS = {
    "openai": ([], {"url", "base_url", "api_key", "model"}),
    "crm": ([], {"url", "api_key"}),
    "provisioning": ([], {"url", "api_key"}),
    "zendesk": ([], {"url", "user", "token"}),
    "erp": ([], {"url", "api_key"}),
    "clm": ([], {"url", "token", "account"}),
    "docusign": ([], {"url", "token", "account"}),
    "cpq": ([], {"url", "api_key"}),
    "hubspot": ([], {"url", "token"}),
    "sendgrid": ([], {"url", "api_key", "from", "group"}),
    "salesforce": ([], {"url", "stand_in", "domain", "consumer_key", "consumer_secret"}),
    "mailbox": (
        ["--smtp-port", "0", "--tls", "starttls"],
        {"url", "smtp_host", "smtp_port", "imap_port", "imap_password"}
        | {"tls", "ca_file", "username", "password"},
    ),
    "botframework": (
        ["--app-id", "app-1"],
        {"url", "service_url", "tenant_id", "app_id", "openid_metadata_url"},
    ),
    "jira": (
        [],
        {
            "url",
            "deployment",
            "project",
            "issue_type",
            "email",
            "token",
            "account_id",
            "jsm_key",
            "statuses",
            "webhook_secret",
            "oauth_url",
            "oauth_token",
            "users",
        },
    ),
    "asana": (
        [],
        {"url", "token", "account", "project", "order_field", "changes_field"}
        | {"webhook_secret", "users"},
    ),
    "slack": (
        [],
        {"url", "api_url", "token", "app_token", "signing_secret", "team_id", "channel"},
    ),
    "graph": ([], {"url", "tenant_id", "client_id", "client_secret"}),
    "oidc": ([], {"url", "issuer", "tenant_id", "client_id", "client_secret", "people"}),
    "servicenow": (
        [],
        {
            "url",
            "user",
            "password",
            "client_id",
            "client_secret",
            "api_key",
            "webhook_secret",
            "rule_url",
            "users",
        },
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_runs_alone_and_stops_cleanly(name: str, tmp_path: Path) -> None:
    arguments, keys = PROGRAMS[name]
    with begin(name, tmp_path, "--port", "0", *arguments) as program:
        assert program.stdout is not None
        line = program.stdout.readline()
        ready = json.loads(line)
        answer = httpx.get(f"{ready['url']}/_sandbox/fault")
        program.send_signal(signal.SIGTERM)
        rest, complaints = program.communicate(timeout=60)

    assert keys == set(ready)
    assert 200 == answer.status_code
    assert ("", "", 0) == (rest, complaints, program.returncode)


@pytest.mark.parametrize("name", PROGRAMS)
def test_says_when_the_port_is_in_use(name: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with begin(name, tmp_path, "--port", port, *PROGRAMS[name][0]) as program:
            _, complaint = program.communicate(timeout=60)

    assert 1 == program.returncode
    assert f"port {port} on 127.0.0.1 is in use" in complaint
    assert "Traceback" not in complaint


def test_no_two_of_them_listen_on_one_port_by_default() -> None:
    """So that all of them can be started side by side, as they are."""
    sandbox = Path(countersign.__file__).parent / "sandbox"
    named = {
        (path.parent.name, port)
        for path in sandbox.glob("*/__main__.py")
        for port in re.findall(r"default(?:_port)?=(\d{4})\b", path.read_text())
    }
    ports = Counter(port for _, port in named)

    assert len(PROGRAMS) < len(named)
    assert [] == sorted(f"{port} {name}" for name, port in named if ports[port] > 1)


def test_connection_that_comes_at_the_very_end_is_closed_too() -> None:
    """However far asyncio has come with it when the stand-in stops."""

    async def stopped_after(rounds: int) -> None:
        async with serve(web.Application()) as url:
            client = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
            for _ in range(rounds):
                await asyncio.sleep(0)
        client.close()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for rounds in range(6):
            asyncio.run(stopped_after(rounds))
        gc.collect()

    assert [] == [str(warning.message) for warning in caught]
