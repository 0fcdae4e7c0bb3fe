"""The workflows for n8n fit its nodes, our API and our check of signatures.

`nodes.json` has, of the nodes that they use, versions and parameters of `n8n-nodes-base` 2.41.2.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import playwright
import pytest
from pydantic import SecretStr

from countersign.bot.api.request_bodies import RequestBody
from countersign.bot.api.sessions import SessionBody, StartSession
from countersign.bot.server.app import OPERATIONS
from countersign.connectors.webhook.bodies import PATH, Decided
from countersign.connectors.webhook.settings import CallerSettings
from countersign.connectors.webhook.signing import caller_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "n8n"
WORKFLOWS = sorted(path.name for path in FOLDER.glob("*.json"))
KNOWN = json.loads((ROOT / "tests" / "fixtures" / "n8n" / "nodes.json").read_text())["nodes"]
NODE = shutil.which("node") or str(Path(playwright.__file__).parent / "driver" / "node")
TEXT = "4f3c2b1a4f3c2b1a4f3c2b1a4f3c2b1a4f3c2b1a4f3c2b1a"
"""The HMAC secret of n8n's credential."""
DIGEST = "ab" * 32
ASKED = {
    "id": "R-7K2M",
    "digest": DIGEST,
    "tool": "release_quote",
    "agent": "sales",
    "requester": "sam",
    "rationale": "Ω <b>bold</b> & more",
    "arguments": {"customer": "Contoso <img src=x>", "amount": 27000},
    "injected": [{"name": "currency", "value": "EUR"}],
}
RUN = """
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const one = (json) => ({ first: () => ({ json }) });
const run = new Function("$input", "$", "$execution", given.code);
console.log(JSON.stringify(run(one(given.input), (name) => one(given.nodes[name]), { id: "77" })));
"""


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return found


def node_of(name: str) -> dict[str, Any]:
    return next(n for n in read("ask-and-decide.json")["nodes"] if n["name"] == name)


def texts(value: Any) -> Iterator[str]:
    """Every text in it, however deep."""
    if isinstance(value, str):
        yield value
    for each in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from texts(each)


def described(node: dict[str, Any]) -> dict[str, Any]:
    """What n8n knows of such a node in this version."""
    name = node["type"].removeprefix("n8n-nodes-base.")
    return next(each for each in KNOWN[name] if node["typeVersion"] in each["versions"])


def ran(code: str, given: Any, **nodes: Any) -> Any:
    asked = json.dumps({"code": code, "input": given, "nodes": nodes})
    done = subprocess.run(
        [NODE, "-e", RUN], input=asked, capture_output=True, text=True, check=True, timeout=60
    )
    (found,) = json.loads(done.stdout)
    return found["json"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nodes_have_parameters_that_n8n_knows(name: str) -> None:
    workflow = read(name)
    for node in workflow["nodes"]:
        known = described(node)["parameters"]
        given = node["parameters"]

        assert given.keys() - known.keys() == set(), node["name"]
        chosen = {key: given[key] for key in given if known[key]}
        assert [k for k, v in chosen.items() if v not in known[k]] == [], node["name"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_connections_and_expressions_name_nodes_that_are_there(name: str) -> None:
    workflow = read(name)
    names = {node["name"] for node in workflow["nodes"]}
    linked = {
        one["node"]
        for outputs in workflow["connections"].values()
        for output in outputs["main"]
        for one in output
    }
    said = {found for text in texts(workflow) for found in re.findall(r"\$\('([^']+)'\)", text)}

    assert workflow["connections"].keys() | linked == names
    assert said <= names
    assert len(names) == len({node["id"] for node in workflow["nodes"]})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_calls_are_operations_of_our_api(name: str) -> None:
    known = {(each.method, each.path) for each in OPERATIONS} | {("POST", PATH)}
    calls = [n["parameters"] for n in read(name)["nodes"] if n["type"].endswith("httpRequest")]
    asked = {
        (call["method"], re.sub(r"\{\{.*?\}\}", "{id}", call["url"].partition("}}")[2]))
        for call in calls
    }

    assert asked
    assert asked <= known


def test_fields_that_are_read_are_those_of_our_answers() -> None:
    ask, start = read("ask-and-decide.json"), read("start-and-wait.json")
    code = "".join(n["parameters"].get("jsCode", "") for n in ask["nodes"])
    session = "".join(texts(start["nodes"][-2:]))
    (body,) = [n["parameters"]["jsonBody"] for n in start["nodes"] if "jsonBody" in n["parameters"]]

    assert set(re.findall(r"asked\.(\w+)", code)) <= RequestBody.model_fields.keys()
    assert set(re.findall(r"\$json\.(\w+)", session)) <= SessionBody.model_fields.keys()
    assert set(re.findall(r"(\w+): \$json", body)) == StartSession.model_fields.keys()


@pytest.mark.parametrize(("decision", "verdict"), [("Approve", "approve"), ("Reject", "reject")])
def test_decision_is_signed_as_we_check_it(decision: str, verdict: str) -> None:
    composed = ran(
        node_of("Compose the decision")["parameters"]["jsCode"],
        {"Decision": decision, "Comment": "Größer “than” expected"},
        **{"Read the request": ASKED, "Settings": {"actor": "alex"}},
    )
    sign = node_of("Sign it")["parameters"]
    assert ("hmac", "SHA256", "base64") == (sign["action"], sign["type"], sign["encoding"])
    assert "={{ $json.signed }}" == sign["value"]
    mac = hmac.digest(TEXT.encode(), composed["signed"].encode(), "sha256")
    parameters = node_of("Bring the decision")["parameters"]
    values = {each["name"]: each["value"] for each in parameters["headerParameters"]["parameters"]}
    filled = {**composed, "signature": base64.b64encode(mac).decode()}
    headers = {name: _filled(value, filled) for name, value in values.items()}
    body = _filled(parameters["body"], filled).encode()
    secret = f"whsec_{base64.b64encode(TEXT.encode()).decode()}"
    caller = CallerSettings(name="n8n", secrets=(SecretStr(secret),), speaks_for=("alex",))
    said = Decided.model_validate_json(body)

    assert caller is caller_of([caller], headers, body)
    assert caller_of([caller], headers, body + b" ") is None
    assert (verdict, "alex", DIGEST, "R-7K2M") == (
        said.verdict,
        said.actor,
        said.digest,
        said.request,
    )
    assert "Größer “than” expected" == said.comment
    assert "n8n_R-7K2M_77" == headers["webhook-id"]


def test_no_decision_is_sent_without_one() -> None:
    code = node_of("Compose the decision")["parameters"]["jsCode"]
    nodes = {"Read the request": ASKED, "Settings": {"actor": "alex"}}

    with pytest.raises(subprocess.CalledProcessError):
        ran(code, {"Decision": "", "Comment": ""}, **nodes)


def test_form_shows_the_whole_call_and_no_markup_of_agents() -> None:
    shown = ran(node_of("Write what is shown")["parameters"]["jsCode"], ASKED)["shown"]

    for part in (
        "Contoso &lt;img src=x&gt;",
        "27000",
        "currency: EUR (set by the workflow)",
        DIGEST,
    ):
        assert part in shown
    assert "Ω &lt;b&gt;bold&lt;/b&gt; &amp; more" in shown


def _filled(expression: str, values: dict[str, str]) -> str:
    """What n8n makes of an expression that names one value of the node before."""
    found = re.sub(
        r"\{\{ \$(?:json|\('Compose the decision'\)\.first\(\)\.json)\.(\w+) \}\}",
        lambda one: values[one[1]],
        expression.removeprefix("="),
    )
    assert "{{" not in found
    return found
