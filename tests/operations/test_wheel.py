"""The wheel, installed into a project that has folders and modules with names like ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from tests.api_client import ALEX, SAM, ApiClient
from tests.processes import ROOT, Process, until

OWN = ("agents", "approvals", "bot", "connectors", "examples", "sandbox")
"""Names of the project's own packages."""
OPENAI_AGENTS = "class Agent: ...\n\n\ndef function_tool(function): return function\n"
PAY = '"""Where money is paid back: the project\'s own package."""\n\n\ndef pay(invoice, amount):\n'
PAY += '    return f"{amount:.2f} EUR paid back for {invoice}."\n'
REFUNDS = '''
"""A workflow of the project, which uses the project's own packages."""

from typing import Annotated

import autogen
from autogen import AssistantAgent

import agents
import connectors
from bot.refunds import pay
from countersign import ApprovalProxy, Chat, WorkflowContext, workflow

assert (agents.WHOSE, connectors.WHOSE) == ("mine", "mine")


@workflow("refunds", version="1", title="Refund", triggers=("refund",), example="refund 40 EUR")
def refunds(context: WorkflowContext) -> Chat:
    def pay_refund(
        invoice: Annotated[str, "The invoice"], amount: Annotated[float, "How much, in EUR"]
    ) -> str:
        return pay(invoice, amount)

    gatekeeper = ApprovalProxy(
        "gatekeeper",
        human_input_mode="NEVER",
        is_termination_msg=lambda message: not message.get("tool_calls"),
    )
    clerk = AssistantAgent("clerk", system_message="Refunds.", llm_config=context.llm_config)
    autogen.register_function(
        pay_refund, caller=clerk, executor=gatekeeper, name="pay_refund", description="Pay back."
    )
    return Chat(starter=gatekeeper, recipient=clerk)
'''
CONFIGURATION = {
    "people": [
        {"id": "alex", "name": "Alex", "roles": ["manager"], "token": ALEX},
        {"id": "sam", "name": "Sam", "token": SAM},
    ],
    "model": {"provider": "scripted", "base_url": "http://127.0.0.1:1/v1"},
    "workflows": {"modules": ["refunds"]},
    "policy": {"tools": {"pay_refund": {"effect": "require_approval", "roles": ["manager"]}}},
    "app_package": {
        "developer_name": "Contoso",
        "website_url": "https://example.com",
        "privacy_url": "https://example.com/privacy",
        "terms_of_use_url": "https://example.com/terms",
    },
}
PROGRAM_TIMEOUT_S = 120


@dataclass(frozen=True)
class Project:
    """A folder of somebody's, and the environment in which Countersign is installed."""

    folder: Path
    venv: Path
    wheel: Path

    @property
    def environment(self) -> dict[str, str]:
        """Local mode, and nothing of the repository."""
        known = {name: value for name, value in os.environ.items() if "OPENAI" not in name}
        return known | {"PYTHONPATH": "", "COUNTERSIGN_ENV": "local", "COLUMNS": "80"}

    def run(
        self, program: str, *arguments: str, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A program of the environment, to its end."""
        return subprocess.run(
            [self.venv / "bin" / program, *arguments],
            cwd=folder or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PROGRAM_TIMEOUT_S,
            check=False,
        )

    def begin(self, name: str, program: str, *arguments: str) -> Process:
        """A program of the environment that stays."""
        argv = [str(self.venv / "bin" / program), *arguments]
        process = Process(name, argv, self.folder, self.environment)
        process.start()
        return process


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Built and installed as anybody would, but for the dependencies, which are ours."""
    folder, place = tmp_path_factory.mktemp("refunds"), tmp_path_factory.mktemp("installed")
    build = ["-m", "hatchling", "build", "--target", "wheel", "--directory", str(place)]
    require([sys.executable, *build], ROOT)
    (wheel,) = place.glob("*.whl")
    venv = place / "venv"
    require([sys.executable, "-m", "venv", "--without-pip", str(venv)], place)
    python = str(venv / "bin" / "python")
    pip = ["-m", "pip", "--python", python, "install", "--no-deps", "--no-index", str(wheel)]
    require([sys.executable, *pip], place)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(require([python, "-c", where], place).strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (packages / "agents").mkdir()  # as openai-agents has it
    (packages / "agents" / "__init__.py").write_text(OPENAI_AGENTS)
    for name in OWN:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text('WHOSE = "mine"\n')
    (folder / "bot" / "refunds.py").write_text(PAY)
    (folder / "refunds.py").write_text(REFUNDS)
    (folder / "countersign.yaml").write_text(yaml.safe_dump(CONFIGURATION))
    return Project(folder, venv, wheel)


def require(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_holds_one_name(project: Project) -> None:
    with zipfile.ZipFile(project.wheel) as wheel:
        tops = {name.split("/")[0] for name in wheel.namelist()}

    assert {"countersign", "countersign_approvals-0.1.0.dist-info"} == tops


def test_command_line_is_there(project: Project) -> None:
    helped = project.run("countersign", "--help")

    assert ("", 0) == (helped.stderr, helped.returncode)
    assert "A person's approval between an AutoGen agent" in helped.stdout


def test_openai_agents_beside_it_stays_what_it_is(project: Project) -> None:
    code = "import sys; sys.path.remove(''); import agents, countersign; "
    code += "print(countersign.Registry.__module__, agents.Agent, sep='\\n')"

    said = project.run("python", "-c", code)

    assert ("", 0) == (said.stderr, said.returncode)
    assert ["countersign.agents.classic.registry", "<class 'agents.Agent'>"] == (
        said.stdout.splitlines()
    )


def test_demo_does_its_job(project: Project) -> None:
    demo = project.run("countersign", "demo", "--json")

    assert 0 == demo.returncode, demo.stderr
    report = json.loads(demo.stdout)
    assert "completed" == report["session"]["status"]
    assert ["release_quote"] == [execution["tool"] for execution in report["executions"]]
    assert report["ledger"]["verified"]


def test_app_package_is_made(project: Project) -> None:
    bot_id = "11111111-2222-3333-4444-555555555555"

    packed = project.run("countersign", "manifest", "pack", "--bot-id", bot_id)

    assert 0 == packed.returncode, packed.stderr
    with zipfile.ZipFile(project.folder / "countersign-teams.zip") as package:
        assert {"manifest.json", "color.png", "outline.png"} == set(package.namelist())
        assert bot_id == json.loads(package.read("manifest.json"))["bots"][0]["botId"]


@pytest.mark.parametrize("name", ["jira", "servicenow", "botframework", "crm", "mailbox"])
def test_stand_in_runs_alone(project: Project, name: str) -> None:
    module, port = f"countersign.sandbox.{name}", ("--port", "0")
    extra = ("--smtp-port", "0") if name == "mailbox" else ()
    child = project.begin(name, "python", "-m", module, *port, *extra)
    try:
        url = child.first_json()["url"]

        assert 200 == httpx.get(f"{url}/_sandbox/fault", trust_env=False).status_code
    finally:
        child.kill()


@pytest.fixture
def server(project: Project) -> Iterator[ApiClient]:
    """`countersign serve` in the project, with a model that asks for one refund."""
    model = project.begin("openai", "python", "-m", "countersign.sandbox.openai", "--port", "0")
    try:
        ready = model.first_json()
        call = {"name": "pay_refund", "arguments": {"invoice": "INV-7", "amount": 40}}
        rules = [{"tool_results": 0, "calls": [call]}, {"text": "Paid."}]
        httpx.post(f"{ready['url']}/_sandbox/script", json=rules, trust_env=False)
        configuration = CONFIGURATION | {
            "model": {"provider": "scripted", "base_url": ready["base_url"]}
        }
        (project.folder / "served.yaml").write_text(yaml.safe_dump(configuration))
        config = str(project.folder / "served.yaml")
        served = project.begin("served", "countersign", "serve", "--config", config, "--port", "0")
        try:
            yield ApiClient(until(lambda: address(served), "the server"))
        finally:
            served.kill()
    finally:
        model.kill()


def address(served: Process) -> str | None:
    """Where it listens, once it says so."""
    assert served.running, f"the server ended at its start:\n{served.text()}"
    found = re.search(r"http://127\.0\.0\.1:\d+", served.text())
    return found and found[0]


def test_own_workflow_is_served(server: ApiClient) -> None:
    session = server.ask("refund 40 EUR", "refunds")
    request = server.pending()
    voted = server.vote(request)
    ended = server.ended(session)

    assert (200, "completed") == (voted.status_code, ended["status"])
    result = server.get(f"/requests/{request['id']}")["result"]
    assert "40.00 EUR paid back for INV-7." == result["content"]
    page = server.http.get(f"{server.url}/inbox/sign-in", headers={"Accept-Language": "de"})
    assert (200, True) == (page.status_code, "wer Sie sind" in page.text)
    for asset in re.findall(r'(?:src|href)="(/inbox/static/[^"]+)"', page.text):
        assert 200 == server.http.get(f"{server.url}{asset}").status_code, asset


def test_written_project_passes_its_own_test(project: Project, tmp_path: Path) -> None:
    """Without a key, and with the fixtures that pytest finds by itself."""
    wrote = project.run("countersign", "init", "refund-desk", folder=tmp_path)
    tested = project.run(
        "python", "-W", "ignore", "-m", "pytest", "-q", "-p", "no:asyncio",
        folder=tmp_path / "refund-desk",
    )  # fmt: skip

    assert ("", 0) == (wrote.stderr, wrote.returncode)
    assert max(map(len, wrote.stdout.splitlines())) <= 80
    assert 0 == tested.returncode, tested.stdout + tested.stderr
    assert "4 passed" in tested.stdout
