"""Card data under a fuzzer: whatever a client sends decides nothing that it did not show.

The sender is a person who may approve, so that only the data can be what is wrong.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import RequestStatus
from countersign.bot.teams.clicks import Click, click_of_invoke, click_of_submit
from tests.bot.teams.conftest import _no_network as _no_network
from tests.bot.teams.conftest import signed as signed
from tests.bot.teams.stage import ARGUMENTS, Stage
from tests.bot.teams.test_clicks import forge, send
from tests.security.fuzzing import fuzzed

FUZZED = fuzzed(60)
TEXTS = st.text(max_size=30) | st.sampled_from(
    ["\0", "\ud800", "\u202e", "x" * 3_000, "'; DROP TABLE requests; --", "{{7*7}}", "<script>"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
NAMES = TEXTS | st.sampled_from(
    ["request", "digest", "comment", "verb", "arg_amount", "arg_", "msteams"]
)
VERBS = VALUES | st.sampled_from(
    ["approve", "reject", "save", "edit", "back", "refresh", "Approve"]
)


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@given(VALUES | st.dictionaries(NAMES, VALUES) | st.just(deep(5_000)))
def test_value_is_a_click_or_an_error_that_can_be_shown(value: Any) -> None:
    """Whatever is in it: nothing but a click that names one request, or InvalidError."""
    action = {"type": "Action.Execute", "verb": "approve", "data": value}
    for read, given_value in ((click_of_invoke, {"action": action}), (click_of_submit, value)):
        try:
            click = read(given_value)
        except InvalidError:
            continue
        assert (Click, str) == (type(click), type(click.comment))


@pytest.mark.asyncio
@FUZZED
@given(
    data=st.dictionaries(NAMES, VALUES, max_size=4),
    verb=VERBS,
    trigger=st.sampled_from(["manual", "automatic", "", None]),
)
async def test_changed_data_decides_nothing(
    signed: Stage, data: dict[str, Any], verb: Any, trigger: Any
) -> None:
    """A decision needs the digest that is on the card, and for the comment a text."""
    if not (page := (await signed.records.requests(status=RequestStatus.PENDING)).items):
        await signed.pending()
        page = (await signed.records.requests(status=RequestStatus.PENDING)).items
    (request,) = page
    good = {"request": request.id, "digest": request.digest}
    wrong = {**data, "digest": data.get("digest", "0" * 64)}
    if wrong["digest"] == request.digest:
        return
    activity = forge(signed, data=wrong, action={"verb": verb}, trigger=trigger)
    answer = await send(signed, _sendable(activity))
    after = await signed.records.request(request.id)

    assert answer.status in (200, 400)
    assert answer.status == 400 or answer.status_code in (200, 400)
    assert ("pending", ARGUMENTS) == (str(after.status), after.arguments), (data, verb, good)


@pytest.mark.asyncio
@FUZZED
@given(value=VALUES | st.dictionaries(NAMES, VALUES, max_size=5), kind=st.sampled_from("mi"))
async def test_any_value_is_answered(signed: Stage, value: Any, kind: str) -> None:
    """As an invoke and as a message; 4xx for what cannot be read, never our error."""
    if not signed.cards():
        await signed.pending()
    (request,) = (await signed.records.requests(status=RequestStatus.PENDING)).items
    activity = forge(signed)
    named = {"name": "adaptiveCard/action"} if kind == "i" else {"type": "message", "text": ""}
    answer = await send(signed, _sendable({**activity, **named, "value": value}))

    assert answer.status < 500
    assert "pending" == await signed.status(request.id)


@pytest.mark.asyncio
@pytest.mark.parametrize("levels", [150, 20_000])
async def test_deep_data_is_no_activity(signed: Stage, levels: int) -> None:
    request = await signed.pending()
    url = signed.teams.bot_url
    assert url is not None
    body = '{"type": "invoke", "value": ' + "[" * levels + "]" * levels + "}"
    headers = {"Content-Type": "application/json"}
    async with signed.teams._session.post(url, data=body, headers=headers) as answer:
        assert 400 == answer.status
    assert "pending" == await signed.status(request.id)


def _sendable(value: Any) -> Any:
    """What JSON can say."""
    match value:
        case float():
            return value if value == value and abs(value) != float("inf") else 1e308
        case dict():
            return {str(name): _sendable(inner) for name, inner in value.items()}
        case list():
            return [_sendable(inner) for inner in value]
    return value
