"""What docs/servicenow.md tells people to paste works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import playwright
import pytest
import yaml
from pydantic import SecretStr

from countersign.bot.settings.systems import read_systems
from countersign.connectors.secrets import Reading
from countersign.connectors.servicenow.settings import ServiceNowSettings
from countersign.connectors.servicenow.system import SYSTEM
from countersign.connectors.servicenow.webhook import verify
from tests.connectors.servicenow.fixtures import settings
from tests.doubles.clock import ManualClock

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "servicenow.md").read_text()
ENVIRON = {"SERVICENOW_PASSWORD": "x", "SERVICENOW_WEBHOOK_SECRET": "y"}
INSTANCE = r"""
const crypto = require("crypto");
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const sent = { headers: {} };
const column = (value) => ({ toString: () => value });
const task = {
  isValidRecord: () => true, getUniqueValue: () => given.task,
  correlation_display: column(given.display), correlation_id: column("R-7F3K2M9QXC4V.1.0"),
};
const current = {
  sysapproval: { getRefRecord: () => task }, state: column("approved"),
  sys_updated_on: column("2026-11-25 07:10:00"), getTableName: () => "sysapproval_approver",
  getUniqueValue: () => given.row,
};
const previous = null;
const gs = { getProperty: (name) => given.properties[name] };
const GlideStringUtil = { base64Encode: (text) => Buffer.from(text).toString("base64") };
function GlideCertificateEncryption() {
  this.generateMac = (key, algorithm, text) => {
    if (algorithm !== "HmacSHA256") throw new Error(algorithm);
    return crypto.createHmac("sha256", Buffer.from(key, "base64")).update(text).digest("base64");
  };
}
const sn_ws = { RESTMessageV2: function () {
  this.setEndpoint = (url) => { sent.url = url; };
  this.setHttpMethod = (method) => { sent.method = method; };
  this.setHttpTimeout = () => {};
  this.setRequestHeader = (name, value) => { sent.headers[name] = value; };
  this.setRequestBody = (body) => { sent.body = body; };
  this.executeAsync = () => { sent.done = true; };
} };
"""
"""What the script needs of an instance, with `generateMac` as the vendor's thread describes it."""


def blocks(language: str) -> list[str]:
    """The fenced blocks of this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def posted(display: str) -> dict[str, Any]:
    """What the business rule sends for an approval of a record with this mark."""
    given = {
        "task": "5f1c2d3e4a5b6c7d8e9f00112233aabb",
        "row": "a1b2c3d4e5f60718293a4b5c6d7e8f90",
        "display": display,
        "properties": {
            "agent_approval.webhook_secret": "s\u00e9cret",
            "agent_approval.webhook_url": "https://approvals.example/webhooks/servicenow",
        },
    }
    (script,) = blocks("js")
    own = Path(playwright.__file__).parent / "driver" / "node"
    node = os.environ.get("PLAYWRIGHT_NODEJS_PATH") or shutil.which("node") or str(own)
    program = f"{INSTANCE}{script}\nconsole.log(JSON.stringify(sent));"
    done = subprocess.run(
        [node, "-e", program],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_business_rule_signs_as_we_verify() -> None:
    sent = posted("agent-approval:open")
    clock = ManualClock()
    clock.advance(int(sent["headers"]["X-Approval-Timestamp"]) - clock.now().timestamp())
    known = settings(webhook_secrets=(SecretStr("s\u00e9cret"),))
    hint = verify(known, clock, sent["headers"], sent["body"].encode())

    assert ("POST", True) == (sent["method"], sent["done"])
    assert hint is not None
    assert "5f1c2d3e4a5b6c7d8e9f00112233aabb" == hint.ticket_id


def test_business_rule_is_silent_about_other_records() -> None:
    assert {"headers": {}} == posted("")


def test_configuration_can_be_read() -> None:
    section = yaml.safe_load(next(b for b in blocks("yaml") if "connectors:" in b))
    (found,), problems = read_systems(section, (SYSTEM,), Reading(ENVIRON, local=False))

    assert [] == problems
    assert isinstance(found.settings, ServiceNowSettings)
    assert "svc_agent_approvals" == found.settings.own_user


@pytest.mark.parametrize("fragment", [b for b in blocks("yaml") if "connectors:" not in b])
def test_fragment_of_the_configuration_can_be_read(fragment: str) -> None:
    keys = yaml.safe_load(fragment)

    assert keys.keys() <= settings(**keys).model_fields_set
