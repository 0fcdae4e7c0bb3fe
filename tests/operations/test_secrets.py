"""No secret is ever written where somebody reads: a story with failures, and canaries for secrets.

The servers run without the redaction of log lines, so this holds by itself.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.doubles import postgres
from tests.processes import stand_in
from tests.stack import ALEX, Database, Stack, stack, until

CANARIES = {
    name: f"canary-of-{name.lower().replace('_', '-')}-7f3a91c04e5b2d86"
    for name in (
        "ADELE_TOKEN",
        "JIRA_TOKEN",
        "JIRA_WEBHOOK",
        "SERVICENOW_PASSWORD",
        "SERVICENOW_WEBHOOK",
        "CRM_KEY",
        "MODEL_KEY",
        "APP_PASSWORD",
        "METRICS_TOKEN",
        "DATABASE_PASSWORD",
        "STRANGER_TOKEN",
    )
}


def forms(secret: str) -> Iterator[str]:
    """How it might be written."""
    yield secret
    yield quote(secret, safe="")
    yield base64.b64encode(secret.encode()).decode()[4:-4]


def leaks(text: str) -> list[str]:
    """The names of the secrets that the text shows; base64 at any alignment."""
    return [
        name
        for name, secret in CANARIES.items()
        if any(form in text for form in forms(secret))
        or any(form in text for form in forms(f" {secret}"))
        or any(form in text for form in forms(f"  {secret}"))
    ]


def with_canaries(settings: dict[str, Any], around: Around) -> None:
    """Every secret is a canary; the ticket systems and nobody else know another one."""
    adele = next(person for person in settings["people"] if person["id"] == "adele")
    del adele["token"]
    adele["token_env"] = "ADELE_TOKEN"
    settings["teams"]["app_password_env"] = "APP_PASSWORD"
    settings["metrics"] = {"token_env": "METRICS_TOKEN"}
    settings["workflows"]["settings"] |= {
        "crm_url": around.crm_url,
        "crm_api_key": {"env": "CRM_KEY"},
    }
    settings["model"] = {
        "provider": "openai",
        "name": "gpt-4o-mini",
        "base_url": f"{around.model_url}/v1",
        "api_key_env": "MODEL_KEY",
    }
    for system, key in (("jira", "token"), ("servicenow", "password")):
        section = settings["connectors"][system]
        auth = {name: value for name, value in section["auth"].items() if name != key}
        section["auth"] = {**auth, f"{key}_env": f"{system.upper()}_{key.upper()}"}
        section["webhook_secret_env"] = f"{system.upper()}_WEBHOOK"
        del section["webhook_secret"]


@dataclass(frozen=True)
class Around:
    """What the server talks to, with canaries for keys."""

    crm_url: str
    model_url: str


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Around]:
    """A CRM and a model whose keys are canaries."""
    programs = (("crm", "CRM_KEY", "--db", str(tmp_path / "own.db")), ("openai", "MODEL_KEY"))
    made = []
    for name, key, *more in programs:
        made.append(stand_in(name, tmp_path, *more, "--api-key", CANARIES[key], log=f"own-{name}"))
    crm, model = (process.first_json() for process in made)
    yield Around(crm["url"], model["base_url"].removesuffix("/v1"))
    for process in made:
        process.kill()


def database_url(one: Stack) -> str:
    """With a password, which the database of the tests does not ask for."""
    if one.database == "sqlite":
        return one.database_url
    url = make_url(one.database_url).set(password=CANARIES["DATABASE_PASSWORD"])
    return url.render_as_string(hide_password=False)


def fault(url: str, **what: Any) -> None:
    answer = httpx.post(f"{url}/_sandbox/fault", json=what, timeout=10)
    assert answer.status_code < 300, answer.text


def story(one: Stack, around: Around) -> list[str]:
    """A session to its end, with everything around it failing; what clients were answered."""
    seen = []
    fault(around.model_url, kind="error", status=500)
    fault(around.crm_url, kind="error", status=500, method="POST")
    session = one.ask()
    request = one.pending()
    for token in (CANARIES["STRANGER_TOKEN"], CANARIES["ADELE_TOKEN"]):
        body = {"verdict": "approve", "digest": request["digest"]}
        seen.append(one.api("POST", f"/requests/{request['id']}/votes", token, json=body).text)
    for system in ("jira", "servicenow"):
        headers = {"X-Hub-Signature": "sha256=00", "X-Countersign-Signature": "sha256=00"}
        seen.append(
            one.http.post(f"{one.url}/webhooks/{system}", content=b"{}", headers=headers).text
        )
    if one.database == "postgresql":
        cut_connections(one)
    until(lambda: one.vote(request).status_code in (200, 409), "a vote to be counted")
    ended(one, session)
    pages = ("/sessions", f"/sessions/{session}", f"/sessions/{session}/transcript")
    for path in (*pages, "/requests", f"/requests/{request['id']}", f"/ledger?session={session}"):
        seen.append(one.api("GET", path).text)
    return [*seen, *answers(one)]


def ended(one: Stack, session: str) -> None:
    """Decide whatever is proposed again after failures, until the session is over."""

    def over() -> bool:
        for request in one.get("/requests?status=pending")["items"]:
            one.vote(request)
        return one.get(f"/sessions/{session}")["status"] not in ("running", "waiting")

    until(over, "the session to end")


def answers(one: Stack) -> list[str]:
    """What is served beside the API."""
    token = {"Authorization": f"Bearer {CANARIES['METRICS_TOKEN']}"}
    metrics = one.http.get(f"{one.url}/metrics", headers=token)
    assert metrics.status_code == 200
    stranger = {"Authorization": f"Bearer {CANARIES['STRANGER_TOKEN']}"}
    refused = one.http.get(f"{one.url}/metrics", headers=stranger)
    assert refused.status_code == 401
    return [metrics.text, refused.text, one.http.get(f"{one.url}/readyz").text]


def cut_connections(one: Stack) -> None:
    """The database forgets everybody who is connected."""
    import psycopg

    with psycopg.connect(postgres.server_url(), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (make_url(one.database_url).database,),
        )


def both(said: CompletedProcess[str]) -> str:
    return said.stdout + said.stderr


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_secret_is_written_where_somebody_reads(
    tmp_path: Path, around: Around, database: Database
) -> None:
    tickets: dict[str, Any] = {"jira": {"poll_every": "1s"}, "servicenow": {"poll_every": "1s"}}
    with stack(
        tmp_path, database=database, tickets=tickets, adjust=lambda s: with_canaries(s, around)
    ) as one:
        env: dict[str, Any] = {**CANARIES, "COUNTERSIGN_DATABASE_URL": database_url(one)}
        server = one.new_server(module="tests.operations.unredacted", **env)
        one.start()
        seen = story(one, around)
        said = [both(one.said(*line, **env)) for line in (["doctor"], ["ledger", "verify"])]
        server.kill()
        log = server.text()

    for what in ("ticket system unreachable", "channel unreachable", "vote refused"):
        assert what in log
    assert "token-of" not in log
    assert [] == leaks(log)
    assert [[] for _ in seen] == [leaks(text) for text in seen]
    assert [[] for _ in said] == [leaks(text) for text in said]


def test_a_database_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    with stack(tmp_path) as one:
        url = f"postgresql://countersign:{CANARIES['DATABASE_PASSWORD']}@127.0.0.1:9/countersign"
        env = {"COUNTERSIGN_DATABASE_URL": url}
        said = [
            both(one.said(*line, **env))
            for line in (["serve", "--port", "0"], ["db", "upgrade"], ["ledger", "verify"])
        ]

    for text in said:
        assert "127.0.0.1" in text
        assert [] == leaks(text)


def test_a_token_in_the_log_would_be_found() -> None:
    """The search itself works, also where a secret is the end of Basic credentials."""
    secret = CANARIES["JIRA_TOKEN"]
    for user in ("a", "ab", "abc"):
        basic = base64.b64encode(f"{user}:{secret}".encode()).decode()

        assert ["JIRA_TOKEN"] == leaks(f"Authorization: Basic {basic}")
    assert ["JIRA_TOKEN"] == leaks(f"?token={secret}")
    assert [] == leaks(ALEX)
