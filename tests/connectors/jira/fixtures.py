"""The vendor's shapes, and settings that fit them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from countersign.connectors.jira.settings import JiraSettings

FOLDER = Path(__file__).parents[2] / "fixtures" / "jira"
CLOUD_AUTH = {"kind": "basic", "email": "bot@example.com", "token": "t0ken"}
STATUSES: dict[str, Any] = {"pending": [10001], "approved": [10002], "rejected": ["10003"]}


def fixture(name: str) -> Any:
    """A recorded shape, to be changed at will."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def settings(**more: Any) -> JiraSettings:
    """Settings for Cloud."""
    return JiraSettings.model_validate(
        {
            "url": "https://example.atlassian.net",
            "auth": CLOUD_AUTH,
            "project": "OPS",
            "issue_type": "Task",
            "statuses": STATUSES,
            "changes_field": "customfield_10050",
            **more,
        }
    )
