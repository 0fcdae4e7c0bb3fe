"""Vendor payloads; where they come from is in tests/fixtures/servicenow/README.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from countersign.connectors.servicenow.settings import BasicAuth, ServiceNowSettings

FOLDER = Path(__file__).parents[2] / "fixtures" / "servicenow"


def payload(name: str) -> Any:
    """A recorded answer."""
    return json.loads((FOLDER / name).read_text())


def settings(**more: Any) -> ServiceNowSettings:
    """Usable settings of an instance that is nowhere."""
    auth = BasicAuth(kind="basic", user="svc_approvals", password=SecretStr("svc-pass"))
    values = {"url": "https://example.service-now.com", "auth": auth, **more}
    return ServiceNowSettings.model_validate(values)
