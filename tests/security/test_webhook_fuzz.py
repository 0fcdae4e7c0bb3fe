"""Webhooks under a fuzzer: nothing is believed unsigned; what is signed can only give a hint."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import SecretStr

from countersign.approvals.errors import InvalidWebhookError
from countersign.approvals.tickets import WebhookHint
from countersign.connectors.jira.connector import JiraConnector
from countersign.connectors.servicenow.connector import ServiceNowConnector
from tests.bot.api_world import running
from tests.connectors.jira.fixtures import settings as jira_settings
from tests.connectors.servicenow.fixtures import settings as servicenow_settings
from tests.doubles.clock import ManualClock

SECRET = "correct-horse-battery-staple-0000"
CLOCK = ManualClock()
NOW = str(int(CLOCK.now().timestamp()))
SECRETS = (SecretStr(SECRET),)
JIRA = JiraConnector(jira_settings(webhook_secrets=SECRETS))
SERVICENOW = ServiceNowConnector(servicenow_settings(webhook_secrets=SECRETS), CLOCK)
BODY = b'{"webhookEvent": "jira:issue_updated", "issue": {"id": "10101"}}'

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
IDS = VALUES | st.sampled_from(["10101", "1" * 20, "\u0661", "../../x", "1\n", "1 OR 1=1", -1, 1e3])
JIRA_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "webhookEvent": VALUES | st.sampled_from(["jira:issue_updated", "comment_created"]),
        "issue": VALUES
        | st.fixed_dictionaries({"id": IDS}, optional={"key": IDS, "fields": VALUES}),
        "comment": VALUES | st.fixed_dictionaries({"self": IDS}),
    },
)
NAMED = st.builds(
    lambda key, where: {"webhookEvent": key, **where},
    st.sampled_from(["jira:issue_updated", "comment_created"]),
    IDS.map(lambda issue_id: {"issue": {"id": issue_id}})
    | IDS.map(lambda at: {"comment": {"self": f"https://x/rest/api/2/issue/{at}/comment/1"}}),
)
"""What is certainly looked into."""
RECORD = "5f1c2d3e4a5b6c7d8e9f00112233aabb"
ROWS = VALUES | st.sampled_from(
    [RECORD, RECORD.upper(), RECORD + "\n", RECORD + "^active=true", ""]
)
SERVICENOW_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "table": VALUES | st.sampled_from(["sysapproval_approver", "change_request", "sys_user"]),
        "sys_id": ROWS,
        "task": ROWS,
        "state": VALUES,
        "sys_updated_on": VALUES,
    },
)


def signed_jira(body: bytes) -> dict[str, str]:
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature": f"sha256={mac}"}


def signed_servicenow(body: bytes, at: str = NOW) -> dict[str, str]:
    mac = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).digest()
    return {"X-Approval-Timestamp": at, "X-Approval-Signature": base64.b64encode(mac).decode()}


def mutated(good: str) -> st.SearchStrategy[str]:
    """Values that are nearly the right one."""
    mac = good.removeprefix("sha256=")
    return st.one_of(
        st.text(max_size=80),
        st.integers(0, len(good) - 1).map(lambda n: good[:n] + "\u0131" + good[n + 1 :]),
        st.integers(0, len(good) - 1).map(lambda n: good[:n]),
        st.sampled_from(
            ["", f"sha1={mac[:40]}", f"sha512={mac}", mac[:32], good + "0", f"{good},{good}",
             f"{good};{good}", good[::-1], "sha256=" + "0" * 64, "sha256=" + "0" * 10_000]
        ),
    )  # fmt: skip


@given(header=mutated(signed_jira(BODY)["X-Hub-Signature"]))
def test_jira_signature_that_is_not_exactly_right_is_refused(header: str) -> None:
    assert header == signed_jira(BODY)["X-Hub-Signature"] or refused(
        JIRA, {"X-Hub-Signature": header}, BODY
    )


@given(header=mutated(signed_servicenow(b"{}")["X-Approval-Signature"]))
def test_servicenow_signature_that_is_not_exactly_right_is_refused(header: str) -> None:
    good = signed_servicenow(b"{}")
    assert header == good["X-Approval-Signature"] or refused(
        SERVICENOW, {**good, "X-Approval-Signature": header}, b"{}"
    )


@given(
    at=st.text(max_size=20)
    | st.sampled_from(["", "-1", "0", "1e9", "\u0661", f" {NOW}", f"+{NOW}", f"{NOW}.0", "9" * 400])
    | st.integers(301, 10**9).map(lambda n: str(int(NOW) - n))
    | st.integers(301, 10**9).map(lambda n: str(int(NOW) + n))
)
def test_servicenow_delivery_of_another_time_is_refused_though_signed(at: str) -> None:
    headers = {**signed_servicenow(b"{}"), "X-Approval-Timestamp": at}
    mac = hmac.new(SECRET.encode(), at.encode() + b".{}", hashlib.sha256).digest()
    headers["X-Approval-Signature"] = base64.b64encode(mac).decode()

    assert refused(SERVICENOW, headers, b"{}")


@pytest.mark.parametrize("case", [str.upper, str.lower, str.title])
def test_case_of_the_names_of_headers_does_not_matter(case: Any) -> None:
    jira = {case(name): value for name, value in signed_jira(BODY).items()}
    servicenow = {case(name): value for name, value in signed_servicenow(b"{}").items()}

    assert WebhookHint(ticket_id="10101", delivery_id="") == JIRA.verify_webhook(jira, BODY)
    assert SERVICENOW.verify_webhook(servicenow, b"{}") is None


def test_header_that_is_there_twice_helps_nobody() -> None:
    """Whichever of the two is looked at, the other one is not believed."""
    for wrong in ("", "sha256=" + "0" * 64):
        headers = CIMultiDict({"X-Hub-Signature": wrong})
        headers.add("X-Hub-Signature", "x")

        assert refused(JIRA, headers, BODY)


@given(said=JIRA_BODIES | NAMED | VALUES)
def test_signed_jira_body_names_an_issue_by_digits_or_nothing(said: Any) -> None:
    body = json.dumps(said).encode()
    found = JIRA.verify_webhook(signed_jira(body), body)

    assert found is None or (found.ticket_id.isascii() and found.ticket_id.isdecimal())


@given(said=SERVICENOW_BODIES | VALUES)
def test_signed_servicenow_body_names_a_record_by_its_id_or_nothing(said: Any) -> None:
    body = json.dumps(said).encode()
    found = SERVICENOW.verify_webhook(signed_servicenow(body), body)

    assert found is None or (
        len(found.ticket_id),
        set(found.ticket_id) - set("0123456789abcdef"),
    ) == (32, set())
    assert found is None or len(found.delivery_id) <= 200


NOT_JSON = [
    b"", b"{", b"\xff\xfe", "{}".encode("utf-16"), b"[" * 100_000, b'{"a":' * 50_000, b"NaN",
    b"1" * 10_000, b'"\\ud800"', b"<xml/>", b"\0" * 100,
]  # fmt: skip


@pytest.mark.parametrize("body", NOT_JSON, ids=range(len(NOT_JSON)))
def test_signed_body_that_is_no_json_object_is_about_nothing(body: bytes) -> None:
    assert JIRA.verify_webhook(signed_jira(body), body) is None
    assert SERVICENOW.verify_webhook(signed_servicenow(body), body) is None


async def test_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """200 MB in 200 kB, under a signature that nobody gets to check."""
    bomb = gzip.compress(bytes(200_000_000), compresslevel=9)
    async with running(tmp_path) as world:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        for path in ("/webhooks/jira", "/api/v1/sessions"):
            sent = {**headers, "Authorization": "Bearer token-of-alex"}
            async with world.client.post(path, data=BytesIO(bomb), headers=sent) as answer:
                assert 413 == answer.status


def refused(connector: Any, headers: Mapping[str, str], body: bytes) -> bool:
    with pytest.raises(InvalidWebhookError):
        connector.verify_webhook(headers, body)
    return True
