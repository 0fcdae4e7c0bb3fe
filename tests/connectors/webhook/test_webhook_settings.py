"""What `connectors.webhook` may say, and that nobody is told at an address that is not safe."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from countersign.connectors.system import Situation
from countersign.connectors.webhook.settings import WebhookSettings, problems
from tests.connectors.webhook.hook_world import OTHER, SECRET


def found(*, local: bool = False, asked: bool = False, **section: Any) -> list[str]:
    settings = WebhookSettings.model_validate(section)
    return list(problems(settings, Situation(local=local, people=frozenset(), asked=asked)))


def endpoint(url: str, name: str = "ops") -> dict[str, Any]:
    return {"name": name, "url": url, "secrets": [SECRET]}


@pytest.mark.parametrize(
    ("url", "local", "wrong"),
    [
        ("https://ops.example/hook?x=1", False, ""),
        ("http://127.0.0.1:8080/hook", True, ""),
        ("http://127.0.0.1:8080/hook", False, "use https"),
        ("http://ops.example/hook", True, "use https"),
        ("http://127.0.0.1.evil.example/", True, "use https"),
        ("file:///etc/passwd", True, "use https"),
        ("https:///hook", False, "use https"),
        ("https://me:pw@ops.example/", False, "leave out user"),
        ("https://ops.example/#x", False, "leave out user"),
        ("https://ops.example:port/", False, "this is no address"),
    ],
)
def test_only_what_nobody_can_read_on_the_way_is_told(url: str, local: bool, wrong: str) -> None:
    said = found(local=local, endpoints=[endpoint(url)])

    assert [wrong in line for line in said] == ([True] if wrong else [])


def test_names_and_secrets_say_who_it_is() -> None:
    url = "https://ops.example/"
    callers = [
        {"name": "a", "secrets": [SECRET, OTHER], "speaks_for": ["alex"]},
        {"name": "a", "secrets": [OTHER], "speaks_for": ["alex"]},
    ]
    said = found(endpoints=[endpoint(url), endpoint(url)], callers=callers)

    assert said == [
        "connectors.webhook.endpoints: ops is there twice; give each a name of its own.",
        "connectors.webhook.callers: a is there twice; give each a name of its own.",
        "connectors.webhook.callers.1.secret_env: another caller has this secret, too.",
    ]
    assert "nobody is told" in found(asked=True)[0]


@pytest.mark.parametrize("secret", ["whsec_short", "not base64 at all, but long enough for it", ""])
def test_a_weak_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValidationError, match="openssl rand"):
        found(endpoints=[{"name": "ops", "url": "https://x.example", "secrets": [secret]}])
