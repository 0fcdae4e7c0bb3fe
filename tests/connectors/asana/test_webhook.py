"""Deliveries of Asana are hints, if they are signed; the first one is answered with its secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.errors import InvalidWebhookError
from countersign.connectors.asana import webhook
from countersign.connectors.asana.webhook import greeting, signature, verify
from tests.contracts.tickets_asana import SECRET, settings_for

SETTINGS = settings_for("https://app.asana.com", secrets=("older-secret", SECRET))
HEX = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81"


def task(gid: str, **more: Any) -> dict[str, Any]:
    """An event of a task, as developers.asana.com, "Webhooks", shows it."""
    resource = {"gid": gid, "resource_type": "task", "resource_subtype": "approval"}
    return {"action": "changed", "resource": resource, "parent": None, **more}


def story(gid: str, of: str) -> dict[str, Any]:
    """An event of a story of a task."""
    parent = {"gid": of, "resource_type": "task"}
    return {"action": "added", "resource": {"gid": gid, "resource_type": "story"}, "parent": parent}


def told(*events: Any, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    body = json.dumps({"events": list(events)}).encode()
    return {"X-Hook-Signature": signature(secret, body)}, body


@pytest.mark.parametrize("secret", ["older-secret", SECRET])
def test_all_tasks_of_a_delivery_are_named_once(secret: str) -> None:
    hint = verify(
        SETTINGS,
        *told(task("11"), story("99", of="12"), task("11"), story("98", "13"), secret=secret),
    )

    assert hint is not None
    assert ("11", ("12", "13")) == (hint.ticket_id, hint.also)


def test_heartbeat_and_what_is_about_no_task_are_no_hints() -> None:
    project = {"gid": "5", "resource_type": "project"}
    strange = [None, 7, {"resource": 3}, task("../projects/5"), {"resource": project}]

    assert verify(SETTINGS, *told()) is None
    assert verify(SETTINGS, *told(*strange)) is None
    for body in (b"[]", b"no json", b'{"events": 3}', b"{}"):
        assert verify(SETTINGS, {"x-hook-signature": signature(SECRET, body)}, body) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["events", "resource", "parent", "gid", "resource_type"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_is_signed_is_a_hint_or_nothing(said: Any) -> None:
    for body in (json.dumps(said).encode(), json.dumps({"events": [said]}).encode()):
        hint = verify(SETTINGS, {"x-hook-signature": signature(SECRET, body)}, body)

        assert hint is None or hint.ticket_id.isdecimal()


def test_more_tasks_than_a_delivery_may_name_are_left_to_the_poll() -> None:
    hint = verify(SETTINGS, *told(*(task(str(number)) for number in range(1, 500))))

    assert hint is not None
    assert webhook.TASKS_MOST == 1 + len(hint.also)


@pytest.mark.parametrize("claimed", ["", "0" * 64, "\udcff", signature("another", b"{}")])
def test_what_is_not_signed_with_our_secret_is_refused(claimed: str) -> None:
    with pytest.raises(InvalidWebhookError):
        verify(SETTINGS, {"X-Hook-Signature": claimed}, b"{}")


def test_handshake_is_answered_with_its_secret_and_nothing_else_is() -> None:
    _, body = told(task("11"))

    assert {"X-Hook-Secret": HEX} == greeting({"x-HOOK-secret": HEX})
    assert greeting({"X-Hook-Secret": HEX, "X-Hook-Signature": signature(SECRET, body)}) is None
    for odd in ("", "short", "x" * 129, f"{HEX}\r\nSet-Cookie: a", "sp ace sp ace sp ace"):
        assert greeting({"X-Hook-Secret": odd}) is None
