"""What `countersign run` starts, with whom, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from countersign.approvals.errors import ConfigurationError
from countersign.bot.local.banner import Shown, banner, places, wrapped
from countersign.bot.local.only_one import RunsAlreadyError, only_one
from countersign.bot.local.parts import parts_of
from countersign.bot.local.playground import (
    PlaygroundMissingError,
    can_be_installed,
    install,
    people_of,
    playground,
)
from countersign.bot.local.run import run_here
from countersign.bot.project.init import write_project
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.sections import Mode, ProcessSettings, Settings
from tests.processes import ROOT

SERVER = "http://127.0.0.1:3978"


def settings_of(path: Path, **changes: Any) -> Settings:
    process = ProcessSettings(env=Mode.LOCAL, database_url="sqlite:////elsewhere/c.db")
    return load_settings(path, process=process, environ={}, adjust=lambda d: d.update(changes))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    write_project(tmp_path, "desk")
    return tmp_path / "countersign.yaml"


def test_repository_plays_all_systems_of_its_configuration() -> None:
    parts = parts_of(settings_of(ROOT / "countersign.yaml"), Path("/state"), 4000)

    found = {part.module.removeprefix("countersign.sandbox."): part for part in parts}
    assert {
        "crm": 8802,
        "mailbox": 8803,
        "jira": 8804,
        "servicenow": 8805,
        "provisioning": 8806,
        "openai": 8801,
    } == {name: part.port for name, part in found.items()}
    hook = ("--webhook-url", "http://127.0.0.1:4000/webhooks/jira")
    assert ("--db", "/state/jira.db", *hook) == found["jira"].arguments
    assert [8803, 8825] == found["mailbox"].ports


def test_uses_play_the_systems_of_vendors() -> None:
    parts = parts_of(settings_of(ROOT / "examples" / "uses.yaml"), Path("/state"), 4000)

    found = {part.module.removeprefix("countersign.sandbox."): part.port for part in parts}
    assert {
        "crm": 8802,
        "salesforce": 8807,
        "sendgrid": 8808,
        "hubspot": 8809,
        "cpq": 8810,
        "openai": 8801,
    } == found


def test_documents_play_their_systems() -> None:
    parts = parts_of(settings_of(ROOT / "examples" / "documents.yaml"), Path("/state"), 4000)

    found = {part.module.removeprefix("countersign.sandbox."): part.port for part in parts}
    assert {
        "clm": 8821,
        "docusign": 8822,
        "erp": 8823,
        "mailbox": 8803,
        "openai": 8801,
        "zendesk": 8824,
    } == found


def test_project_plays_its_own_model_where_its_configuration_says(own: Path) -> None:
    model = {"provider": "scripted", "base_url": "http://127.0.0.1:4001/v1"}

    (part,) = parts_of(settings_of(own, model=model), Path("/state"), 4000)

    arguments = ("desk.model:script", "--folder", str(own.parent))
    assert ("countersign.testing", 4001, arguments) == (part.module, part.port, part.arguments)


def test_real_model_and_systems_elsewhere_are_not_played(own: Path) -> None:
    model = {"provider": "scripted", "base_url": "http://models.example:8801/v1"}

    assert [] == parts_of(settings_of(own, model=model), Path("/state"), 4000)


def test_second_one_is_told_where_the_first_one_is(tmp_path: Path) -> None:
    with only_one(tmp_path) as mark:
        mark.say({"server": SERVER})
        with pytest.raises(RunsAlreadyError) as caught, only_one(tmp_path):
            raise AssertionError("both run")
    with only_one(tmp_path):
        pass  # it is gone with the first one

    assert f"It runs in this folder already, state in {tmp_path}." in str(caught.value)
    assert f"\n  server: {SERVER}" in str(caught.value)


def test_playground_has_the_people_of_the_configuration(own: Path) -> None:
    users = people_of(settings_of(ROOT / "countersign.yaml"))
    mine = people_of(settings_of(own))

    assert "Alex Wilber" == users["currentUser"]["name"]
    assert "00000000-0000-0000-0000-0000000000020" == users["currentUser"]["aadObjectId"]
    assert ["Megan Bowen", "Adele Vance", "Guest 3", "Guest 4", "Guest 5"] == [
        user["name"] for user in users["users"]
    ]
    assert ("Rita", "Roe", "local:rita") == tuple(
        mine["currentUser"][key] for key in ("givenName", "surname", "aadObjectId")
    )
    with pytest.raises(ConfigurationError, match=r"teams\.local_approver: say whose clicks"):
        people_of(settings_of(own, teams={}))


def test_playground_that_is_missing_says_how_to_get_it(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin"
    program.mkdir()
    monkeypatch.setenv("PATH", str(program))
    with pytest.raises(PlaygroundMissingError, match="it needs Node 18 or newer"):
        playground(settings_of(own), tmp_path, SERVER)

    node = program / "node"
    node.write_text("#!/bin/sh\necho v17.9.1\n")
    node.chmod(0o755)
    with pytest.raises(PlaygroundMissingError, match="it needs Node 18 or newer"):
        playground(settings_of(own), tmp_path, SERVER)

    node.write_text("#!/bin/sh\necho v20.20.2\n")
    with pytest.raises(PlaygroundMissingError, match=r"npm install --prefix \.local @microsoft/"):
        playground(settings_of(own), tmp_path, SERVER)

    package = tmp_path / "node_modules" / "@microsoft" / "m365agentsplayground"
    package.mkdir(parents=True)
    (package / "cli.js").write_text("")
    _, url = playground(settings_of(own), tmp_path, SERVER)
    assert url.startswith("http://127.0.0.1:")
    written = yaml.safe_load((tmp_path / "playground" / ".m365agentsplayground.yml").read_text())
    assert "Rita Roe" == written["currentUser"]["name"]


NPM = """#!/bin/sh
to="$4/node_modules/@microsoft/m365agentsplayground"
/bin/mkdir -p "$to"
echo "$5" > "$to/cli.js"
"""
"""Called as `npm install --loglevel=error --prefix FOLDER PACKAGE`."""


def test_playground_can_be_installed_where_there_is_npm(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin"
    program.mkdir()
    monkeypatch.setenv("PATH", str(program))
    can = [can_be_installed(tmp_path)]
    for name, script in (("node", "#!/bin/sh\necho v20.20.2\n"), ("npm", NPM)):
        (program / name).write_text(script)
        (program / name).chmod(0o755)
        can.append(can_be_installed(tmp_path))

    assert [False, False, True] == can
    assert install(tmp_path)
    assert not can_be_installed(tmp_path)  # it is there
    (cli,) = tmp_path.glob("node_modules/@microsoft/*/cli.js")
    assert "@microsoft/m365agentsplayground@0.2.28\n" == cli.read_text()
    assert "http://127.0.0.1:" in playground(settings_of(own), tmp_path, SERVER)[1]
    (program / "npm").write_text("#!/bin/sh\nexit 1\n")
    assert not install(tmp_path)


def test_banner_names_the_ports_that_others_had(own: Path) -> None:
    moved = {port: 40000 + port for port in (3978, 8801, 8802, 8803, 8804, 8805, 8806, 8825)}

    lines = banner(Shown(settings_of(own), [], SERVER, None, {}, moved)).splitlines()

    said = "".join(lines).replace("    ", " ")
    assert "Other ports than in the configuration: 43978 for 3978, 48801 for 8801," in said
    assert [] == [line for line in lines if len(line.replace("[bold]", "").replace("[/]", "")) > 80]


def test_banner_has_lines_of_eighty(own: Path) -> None:
    parts = parts_of(settings_of(ROOT / "countersign.yaml"), Path("/state"), 4000)
    example = {"refunds": "refund 40 EUR for invoice INV-7"}
    for url, playground_url in ((SERVER, "http://127.0.0.1:56150"), ("http://127.0.0.1:4", None)):
        shown = Shown(settings_of(own), parts, url, playground_url, example)
        lines = banner(shown).replace("[bold]", "").replace("[/]", "").splitlines()

        assert [] == [line for line in lines if len(line) > 80]
        assert any("refund 40 EUR for invoice INV-7" in line for line in lines)
        assert ("--server" in "".join(lines)) is (url != SERVER)
        assert url == places(shown)["server"]
        assert json.dumps(places(shown))


def test_long_command_is_one_for_the_shell() -> None:
    words = ["countersign decide", *(f"--option-{n} {'x' * 20}" for n in range(4))]

    lines = wrapped(words)

    assert max(map(len, lines)) <= 80
    assert " ".join(words) == " ".join("".join(lines).replace("\\", "").split())


def test_banner_shows_no_token_of_the_environment(own: Path) -> None:
    people = [{"id": "rita", "name": "Rita Roe", "roles": ["manager"], "token_env": "RITA"}]

    def chosen(document: dict[str, Any]) -> None:
        document["people"] = [*people, *document["people"][1:]]

    process = ProcessSettings(env=Mode.LOCAL, database_url="sqlite:////elsewhere/c.db")
    settings = load_settings(own, process=process, environ={"RITA": "real-secret"}, adjust=chosen)
    said = banner(Shown(settings, [], SERVER, None, {}))

    assert "real-secret" not in said
    assert "Bearer local-token-tom" in said


def test_environment_of_a_production_server_is_refused(
    own: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COUNTERSIGN_ENV", "production")
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "postgresql://db.example/decisions")

    with pytest.raises(ConfigurationError, match="COUNTERSIGN_ENV: says production"):
        run_here(own, port=None, wants_playground=False)
