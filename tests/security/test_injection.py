"""What agents and people write stays what it is, wherever it is put: no query, header or address.

Markup in cards and tickets has its own tests beside the code that writes it
(`tests/bot/teams/test_cards.py`, `tests/connectors/jira/test_markup.py`,
`tests/connectors/servicenow/test_text.py`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.errors import InvalidError
from countersign.approvals.tickets import order_key
from countersign.bot.server.app import _REQUEST_ID
from countersign.connectors.jira import jql
from countersign.connectors.servicenow import query
from countersign.examples.back_office import BackOfficeError, Mail, path_of
from tests.bot.api_world import running
from tests.connectors.jira.fixtures import settings as jira_settings

HOSTILE = st.text(max_size=40) | st.lists(
    st.sampled_from(
        ['"', "'", "\\", "^", "^NQ", "^OR", ",", "=", " OR ", ")", "\r", "\n", "\0", "\u2028",
         "%0d", "javascript:", "gs.getUser()", "R-1", "ORDER BY", "*", "?", "../",
         "\u02ee", "\uff02"]
    ),
    max_size=6,
).map("".join)  # fmt: skip
KEY = re.compile(r"[A-Za-z0-9._-]{1,121}")


@given(key=HOSTILE)
def test_no_value_adds_a_condition_to_a_query(key: str) -> None:
    """JQL has the key in quotes and so shaped that nothing ends them; encoded queries have one
    separator, which no value has."""
    settings = jira_settings()
    try:
        asked = jql.order(settings, key)
    except InvalidError:
        assert not KEY.fullmatch(key) or key[:1] in "._-"
    else:
        assert KEY.fullmatch(key)
        label = settings.order_label(key)
        assert f'labels = "{label}" ORDER BY created ASC' == asked

    for build in (query.equals, query.starts, lambda c, v: query.any_of(c, [v])):
        try:
            term = build("user_name", key)
        except InvalidError:
            continue
        assert not set("^\r\n") & set(term)
        assert "javascript:" not in term.casefold()


@given(text=HOSTILE | st.text(st.characters(max_codepoint=127), max_size=70))
def test_request_id_that_is_sent_back_is_one_plain_word(text: str) -> None:
    assert bool(_REQUEST_ID.fullmatch(text)) == bool(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text))
    assert not _REQUEST_ID.fullmatch(text) or text.isprintable()


@pytest.mark.parametrize("value", ["a b", "a;b", "a\tb", "x" * 65, "\u0130"])
async def test_request_id_of_a_client_is_not_repeated_unless_plain(
    tmp_path: Path, value: str
) -> None:
    async with running(tmp_path) as world:
        headers = {"X-Request-Id": value}
        async with world.client.get("/healthz", headers=headers) as answer:
            assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


@pytest.mark.parametrize("part", ["to", "subject"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_no_header_of_a_mail_can_be_written_by_an_agent(
    monkeypatch: pytest.MonkeyPatch, part: str, end: str
) -> None:
    async def never(*_: object, **__: object) -> None:
        raise AssertionError("it was sent")

    monkeypatch.setattr(aiosmtplib, "send", never)
    letter: dict[str, Any] = {
        "to": "a@b.example",
        "subject": "Hello",
        part: f"x{end}Bcc: evil@c.example",
    }
    with pytest.raises(BackOfficeError, match="not sent"):
        await Mail("127.0.0.1", 9, "us@x.example").send(**letter, body="y", key="k")


@given(record=HOSTILE | st.sampled_from([".", "..", "...", "", "..%2f..", "%2e%2e", "a/../.."]))
def test_id_that_an_agent_names_stays_one_step_of_an_address(record: str) -> None:
    try:
        path = path_of("opportunities", record)
    except BackOfficeError:
        assert not record.strip(".")
        return
    url = httpx.URL("https://crm.example").join(path)

    assert ("crm.example", "") == (url.host, url.query.decode())
    assert url.raw_path.decode().startswith("/opportunities/")
    assert 2 == url.raw_path.count(b"/")


def test_order_keys_are_of_the_shape_that_queries_take() -> None:
    assert KEY.fullmatch(order_key("R-7F3K2M9QXC4V", "1.0"))
