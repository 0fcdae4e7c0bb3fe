"""The command line: what it prints, and one clear message with exit status 1 for what is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import typer
import yaml

from countersign.approvals.records import Records
from countersign.approvals.rules.policy import Policy
from countersign.bot.policy.check import examine
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.openai.server import ScriptedModel
from countersign.sandbox.servicenow.server import ServiceNow
from tests.bot.api_world import running
from tests.bot.cli.conftest import REPOSITORY, Cli, Said
from tests.bot.inbox.test_bundles import together


@pytest.fixture
def database(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database with one approved request."""

    async def fill() -> None:
        async with running(tmp_path) as world:
            await world.vote(await world.waiting())

    asyncio.run(fill())
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")
    return tmp_path / "countersign.db"


def test_help_offers_what_there_is_and_nothing_else(cli: Cli) -> None:
    said = cli("--help")

    assert said.status == 0
    for command in ("serve", "demo", "sessions", "requests", "decide", "ledger", "doctor", "db"):
        assert command in said.out
    policy = re.findall(r"^│ (\w+) ", cli("policy", "--help").out, re.MULTILINE)
    assert ["check", "explain", "test", "versions", "show", "simulate", "suggest"] == policy
    assert "receipt" in cli("ledger", "--help").out
    assert "servicenow" in cli("demo", "--help").out


def test_records_can_be_read(cli: Cli, database: Path) -> None:
    sessions = json.loads(cli("sessions", "list", "--json").out)
    requests = json.loads(cli("requests", "list", "--status", "approved", "--json").out)
    shown = cli("sessions", "show", sessions[0]["id"])
    request = json.loads(cli("requests", "show", requests[0]["id"]).out)
    exported = cli("ledger", "export", "--session", sessions[0]["id"]).out.splitlines()

    assert sessions[0]["task"] == "send it"
    assert "worker: Shall I?" in shown.out
    assert request["votes"][0]["by"] == "alex"
    assert json.loads(exported[0])["kind"] == "session_started"
    assert sessions[0]["id"] in cli("sessions", "list").out
    assert requests[0]["id"] in cli("requests", "list").out


@pytest.fixture
def three(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of three requests of Sam's that wait for a manager, the oldest first."""

    async def fill() -> list[str]:
        async with running(tmp_path) as world:
            found = [(await world.waiting())["id"] for _ in range(3)]
        return sorted(found)  # all of one moment

    ids = asyncio.run(fill())
    with closing(sqlite3.connect(tmp_path / "countersign.db")) as connection, connection:
        connection.execute("UPDATE requests SET expires_at = NULL")  # they are of last week
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")
    people = [
        {"id": "alex", "name": "Alex Wilber", "roles": ["manager"]},
        {"id": "sam", "name": "Sam Carter", "roles": ["manager"]},
    ]
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"people": people}))
    return ids


def test_the_newest_requests_are_listed_first_and_the_list_goes_on(
    cli: Cli, three: list[str]
) -> None:
    first = cli("requests", "list", "--limit", "2")
    cursor = first.out.rsplit("--cursor ")[1].split()[0]
    rest = cli("requests", "list", "--limit", "2", "--cursor", cursor)
    oldest = cli("requests", "list", "--limit", "1", "--oldest")

    assert three[0] in oldest.out
    assert [first.out.index(three[2]) < first.out.index(three[1]), three[0] in first.out] == [
        True,
        False,
    ]
    assert (three[0] in rest.out, "--cursor" in rest.out) == (True, False)


def test_my_requests_are_those_that_i_may_decide(cli: Cli, three: list[str]) -> None:
    def mine(*more: str) -> list[str]:
        said = cli("requests", "list", "--mine", "--json", "--config", "c.yaml", *more)
        return [request["id"] for request in json.loads(said.out)]

    shown = json.loads(cli("requests", "show", three[0], "--config", "c.yaml").out)

    assert [three, []] == [mine("--as", "alex"), mine("--as", "sam")]
    assert shown["eligible"] == [{"id": "alex", "name": "Alex Wilber"}]
    assert "eligible" not in json.loads(cli("requests", "show", three[0], "--config", "no").out)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ((), "--mine: say whose with --as PERSON; there are alex, sam."),
        (("--as", "zoe"), "--as zoe: nobody has this id; there are alex, sam."),
        (("--as", "alex", "--status", "executed"), "only what is pending can be decided"),
        (("--as", "alex", "--config", "no.yaml"), "needs the configuration; name it with --config"),
    ],
)
def test_mine_says_what_it_needs(
    cli: Cli, three: list[str], more: tuple[str, ...], says: str
) -> None:
    said = cli("requests", "list", "--mine", "--config", "c.yaml", *more)

    assert (said.status, says in said.err) == (1, True)


def test_ids_are_never_cut_off(cli: Cli, three: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.bot.console.console.width", 80)
    listed = cli("requests", "list").out
    session = json.loads(cli("requests", "show", three[0]).out)["session_id"]

    assert all(request in listed for request in three)
    assert session in listed


def test_words_of_others_do_nothing_to_the_terminal(cli: Cli, database: Path) -> None:
    session = json.loads(cli("sessions", "list", "--json").out)[0]["id"]
    hostile = "[/x] [bold]no[/bold] \x1b[2Jgone"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE sessions SET task = ?, answer = ?", (hostile, hostile))
        connection.execute("UPDATE requests SET tool = ?", (hostile,))
    shown = "[/x] [bold]no[/bold] \\u001b[2Jgone"

    for arguments in (("sessions", "list"), ("sessions", "show", session), ("requests", "list")):
        said = cli(*arguments)
        assert (said.status, shown in said.out, "\x1b[2J" in said.out) == (0, True, False)


def test_no_line_of_a_message_passes_for_that_of_somebody_else(
    cli: Cli, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = json.loads(cli("sessions", "list", "--json").out)[0]["id"]
    forged = "request R-J7KGS252NJJ2: pay executed"
    wide = f"well{' ' * 90}{forged}"
    with closing(sqlite3.connect(database)) as connection, connection:
        text = f"send it\n{forged}"
        connection.execute("UPDATE sessions SET task = ?, answer = ?", (text, text))

    async def transcript(*_: object) -> list[dict[str, str]]:
        return [{"name": "worker", "content": f"{each}\n  alex: Yes."} for each in (forged, wide)]

    monkeypatch.setattr(Records, "transcript", transcript)
    lines = cli("sessions", "show", session).out.splitlines()

    assert "  worker: request R-J7KGS252NJJ2: pay executed" in [line.rstrip() for line in lines]
    assert [] == [line for line in lines if re.match(r" {0,2}(request R-J7K|alex:)", line)]
    assert any(re.match(r" {10,}alex: Yes\.", line) for line in lines)


def test_reading_works_while_a_server_holds_the_database(
    cli: Cli, database: Path, tmp_path: Path
) -> None:
    async def read() -> Said:
        async with running(tmp_path):
            return await asyncio.to_thread(cli, "sessions", "list")

    assert asyncio.run(read()).status == 0


def test_an_export_can_go_into_a_file(cli: Cli, database: Path, tmp_path: Path) -> None:
    session = json.loads(cli("sessions", "list", "--json").out)[0]["id"]

    cli("ledger", "export", "--session", session, "--output", "out.jsonl")

    assert len((tmp_path / "out.jsonl").read_text().splitlines()) >= 3


def test_the_governance_ledger_is_exported_too(cli: Cli, database: Path) -> None:
    exported = cli("ledger", "export", "--governance")
    both = cli("ledger", "export", "--governance", "--session", "S")

    assert (0, "") == (exported.status, exported.err)
    assert {"governance"} >= {json.loads(line)["session_id"] for line in exported.out.splitlines()}
    assert (1, True) == (both.status, "--governance: it has no sessions" in both.err)


def test_an_export_that_cannot_be_written_says_so(cli: Cli, database: Path) -> None:
    session = json.loads(cli("sessions", "list", "--json").out)[0]["id"]
    said = cli("ledger", "export", "--session", session, "--output", "not/there.jsonl")

    assert (said.status, said.out) == (1, "")
    assert "--output not/there.jsonl: cannot be written: No such file or directory." in said.err


def test_a_changed_ledger_does_not_verify(cli: Cli, database: Path) -> None:
    good = cli("ledger", "verify")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE ledger SET body = replace(body, 'alex', 'sam1')")
    bad = cli("ledger", "verify")

    assert (good.status, "entries verified" in good.out) == (0, True)
    assert (bad.status, "NOT verified" in bad.out) == (1, True)


def test_a_ledger_whose_session_is_gone_does_not_verify(cli: Cli, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM sessions")
    said = cli("ledger", "verify")

    assert (said.status, "the session itself is gone" in said.out) == (1, True)


def test_db_upgrade_makes_a_database(cli: Cli, tmp_path: Path) -> None:
    said = cli("db", "upgrade")

    assert (said.status, (tmp_path / "countersign.db").exists()) == (0, True)
    assert cli("sessions", "list").status == 0


def test_policy_check_and_explain(cli: Cli) -> None:
    checked = cli("policy", "check")
    asked = cli("policy", "explain", "release_quote")
    unknown = cli("policy", "explain", "drop_table")

    assert "1 of sales_manager" in checked.out
    assert "require_approval by tools.release_quote" in asked.out
    assert "an approval holds for 4 hours" in asked.out
    assert "deny by unknown-tool" in unknown.out


MISSPELT = """
people: [{id: alex, name: Alex Wilber, roles: [account_executive], token: local-token-alex}]
teams: {app_id: ""}
model: {provider: scripted, base_url: "http://127.0.0.1:9/v1"}
workflows:
  modules: [countersign.examples.crm_update]
  settings: {crm_url: "http://127.0.0.1:9", crm_api_key: x, smtp_host: 127.0.0.1, smtp_port: 9,
    mail_from: "A <a@b.example>"}
policy:
  tools:
    lookup_*: allow
    update_oportunity: {effect: require_approval, roles: [account_executive]}
    send_email: {effect: require_approval, roles: [account_executive], deadline: 30}
"""


@pytest.mark.parametrize("command", [("policy", "check"), ("doctor",)])
def test_rules_are_compared_with_what_is_registered(
    cli: Cli, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "c.yaml").write_text(MISSPELT)

    said = cli(*command, "--config", "c.yaml")

    assert said.status == 1
    for words in (
        "policy.tools.lookup_*: patterns are not supported; name each tool",
        "policy.tools.send_email.deadline: 30 has no unit; write for example 30s, 30m, 4h or 3d",
        "update_oportunity: no workflow has this tool; did you mean update_opportunity?",
        "workflow crm_update: its tool lookup_customer has no rule, so every call of it will be",
        "workflow crm_update: its tool update_opportunity has no rule",
        "when Alex Wilber asks, nobody can decide it.",
    ):
        assert words in said.out
    assert "its tool send_email has no rule" not in said.out


@pytest.mark.parametrize("command", [("policy", "check"), ("doctor",)])
def test_workflows_that_cannot_be_loaded_are_named_with_the_place(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    broken = {
        "bad_name": "import json\nthere_is_none\n",
        "bad_syntax": "x = 1\nclass:\n",
        "bad_exit": "raise SystemExit(3)\n",
        "bad_import": "import there_is_no_such_module\n",
        "bad_factory": "from countersign import workflow\n\n\n"
        "@workflow('w', version='1', title='W')\n"
        "def w(context):\n    return context.settings['nowhere']\n",
        "bad_return": "from countersign import workflow\n\n\n"
        "@workflow('v', version='1', title='V')\ndef v(context):\n    pass\n",
        "bad_parameters": "from countersign import workflow\n\n\n"
        "@workflow('u', version='1', title='U')\ndef u():\n    pass\n",
    }
    for name, source in broken.items():
        (tmp_path / f"{name}.py").write_text(source)
    modules = ", ".join([*broken, "bad_missing", "countersign.examples.crm_update"])
    text = MISSPELT.replace("countersign.examples.crm_update", modules).replace(
        "lookup_*", "lookup_customer"
    )
    (tmp_path / "c.yaml").write_text(text.replace("30}", "30m}"))

    said = cli(*command, "--config", "c.yaml")

    assert said.status == 1
    for words in (
        f"FIX workflows: bad_name cannot be imported: {tmp_path}/bad_name.py:2: NameError: name",
        f"FIX workflows: bad_syntax cannot be imported: {tmp_path}/bad_syntax.py:2: SyntaxError",
        f"FIX workflows: bad_exit cannot be imported: {tmp_path}/bad_exit.py:1: SystemExit: 3",
        f"FIX workflows: bad_import cannot be imported: {tmp_path}/bad_import.py:1: ModuleNotFound",
        f"FIX workflows: w cannot be built: {tmp_path}/bad_factory.py:6: KeyError: 'nowhere'",
        f"FIX workflows: v cannot be built: {tmp_path}/bad_return.py:4: TypeError: it returns None",
        f"FIX workflows: u cannot be built: {tmp_path}/bad_parameters.py:4: TypeError: u() takes 0",
        "FIX workflows: bad_missing cannot be imported: No module named 'bad_missing'; put it",
        "its tool update_opportunity has no rule",
    ):
        assert words in said.out
    assert "Traceback" not in said.out + said.err
    for name in broken:
        sys.modules.pop(name, None)


def test_names_of_tools_are_never_cut_off(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.bot.console.console.width", 80)

    assert "…" not in cli("policy", "check").out.partition("policy version")[0]


def test_policy_check_is_content_with_the_shipped_rules(cli: Cli) -> None:
    said = cli("policy", "check")

    assert (said.status, "FIX" in said.out) == (0, False)
    assert (
        "note policy.tools.release_quote: when Alex Wilber asks, nobody can decide it" in said.out
    )


def test_manifest_pack_fills_in_the_ids(cli: Cli, tmp_path: Path) -> None:
    bot = "11111111-2222-3333-4444-555555555555"

    said = cli("manifest", "pack", "--bot-id", bot, "--output", "app.zip")

    assert said.status == 0
    with zipfile.ZipFile(tmp_path / "app.zip") as package:
        assert json.loads(package.read("manifest.json"))["bots"][0]["botId"] == bot


def test_manifest_pack_without_an_id_says_which(cli: Cli) -> None:
    said = cli("manifest", "pack")

    assert (said.status, "teams.app_id: required" in said.err) == (1, True)


WRONG: list[tuple[list[str], dict[str, str], str]] = [
    (["serve", "--config", "none.yaml"], {}, "none.yaml: there is no such file"),
    (["serve"], {"COUNTERSIGN_ENV": "production"}, "export OPENAI_API_KEY"),
    (["serve"], {"COUNTERSIGN_ENV": "staging"}, "COUNTERSIGN_ENV: write "),
    (["serve", "--port", "0"], {"COUNTERSIGN_DATABASE_URL": "mysql://x/y"}, "not supported"),
    (["serve", "--port", "0"], {"COUNTERSIGN_DATABASE_URL": "sqlite:////proc/no/x.db"}, "/proc/no"),
    (["serve", "--port", "0"], {"COUNTERSIGN_DATABASE_URL": "sqlite:///text.db"}, "not a usable"),
    (["serve", "--host", "0.0.0.0", "--port", "0"], {}, "127.0.0.1 only"),
    (["sessions", "list"], {}, "There is no database"),
    (["sessions", "list"], {"COUNTERSIGN_DATABASE_URL": "sqlite:///text.db"}, "not a usable"),
    (["policy", "explain", "x", "--arguments", "{"], {}, "--arguments is not JSON"),
    (["decide", "R-1", "approve", "--as", "alex", "--server", "http://127.0.0.1:9"], {}, "serve"),
    (["decide", "R-1", "approve", "--as", "nobody"], {}, "--as nobody: nobody has this id"),
]


@pytest.mark.parametrize(
    ("arguments", "environ", "said"), WRONG, ids=[str(number) for number in range(len(WRONG))]
)
def test_what_is_wrong_is_one_clear_message(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    environ: dict[str, str],
    said: str,
) -> None:
    (tmp_path / "text.db").write_text("this is no database, " * 100)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    result = cli(*arguments)

    assert result.status == 1
    assert said in result.err
    assert "Traceback" not in result.err + result.out


def test_the_database_of_a_local_run_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("COUNTERSIGN_DATABASE_URL", raising=False)
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "countersign.db").touch()

    named = cli("sessions", "list").err
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "sqlite:///./other.db")
    other = cli("sessions", "list").err

    assert "COUNTERSIGN_ENV=local COUNTERSIGN_DATABASE_URL=sqlite:///./.local/" in named
    assert ("There is no database" in other, ".local" in other) == (True, False)


@pytest.mark.parametrize("command", ["doctor", "serve"])
def test_a_file_for_local_mode_says_so_in_production(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.setenv("COUNTERSIGN_ENV", "production")
    text = (REPOSITORY / "countersign.yaml").read_text()
    (tmp_path / "ours.yaml").write_text(text.replace("token: local-", "token_env: LOCAL_"))

    said = cli(command)
    without = cli(command, "--config", "ours.yaml")

    first = next(line for line in (said.out + said.err).splitlines() if "countersign.yaml" in line)
    assert "`countersign run` serves it on this machine" in first
    assert "`countersign run`" not in without.out + without.err


def test_a_port_in_use_is_named(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        said = cli("serve", "--port", str(port))

    assert (said.status, f"port {port} on 127.0.0.1 is in use" in said.err) == (1, True)


def test_speaking_as_somebody_else_is_for_local_mode(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    document = yaml.safe_load((REPOSITORY / "countersign.yaml").read_text())
    del document["connectors"]
    document["teams"] = {
        "app_id": "11111111-2222-3333-4444-555555555555",
        "tenant_id": "22222222-2222-3333-4444-555555555555",
        "app_password_env": "BOT_SECRET",
    }
    for person in document["people"]:
        del person["token"]
    document["workflows"]["settings"] = {}
    for rule in document["policy"]["tools"].values():
        if isinstance(rule, dict):
            rule.pop("channels", None)
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("COUNTERSIGN_ENV", "production")
    monkeypatch.setenv("COUNTERSIGN_LINK_KEY", "0" * 64)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("BOT_SECRET", "bot-secret")

    said = cli("decide", "R-1", "approve", "--as", "alex", "--config", "c.yaml")

    assert (said.status, "local mode only" in said.err) == (1, True)


def test_decide_goes_through_the_running_server(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server holds the database, so the command asks it."""

    async def story() -> tuple[Said, Said, Said]:
        async with running(tmp_path) as world:
            request = await world.waiting()
            url = str(world.client.make_url(""))
            text = (REPOSITORY / "countersign.yaml").read_text()
            (tmp_path / "c.yaml").write_text(text.replace("local-token-", "token-of-"))

            async def decide(*more: str) -> Said:
                common = ["--server", url, "--config", "c.yaml"]
                return await asyncio.to_thread(cli, "decide", request["id"], *more, *common)

            no_reason = await decide("reject", "--as", "alex")
            changed = '{"to": "cfo", "amount": 7}'
            done = await decide("modify", "--as", "alex", "--arguments", changed)
            late = await decide("approve", "--as", "megan")
            return no_reason, done, late

    no_reason, done, late = asyncio.run(story())

    assert no_reason.status == 1
    assert (done.status, "is approved" in done.out) == (0, True)
    assert (late.status, "already decided" in late.err) == (1, True)


def test_what_is_paused_on_the_command_line_is_resumed_there(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> list[Said]:
        async with running(tmp_path) as world:
            url = str(world.client.make_url(""))
            text = (REPOSITORY / "countersign.yaml").read_text()
            (tmp_path / "c.yaml").write_text(text.replace("local-token-", "token-of-"))

            async def said(*arguments: str) -> Said:
                common = ["--server", url, "--config", "c.yaml"]
                return await asyncio.to_thread(cli, *arguments, *common)

            begun = await said("pause", "--tool", "send", "--reason", "Wrong.", "--as", "megan")
            refused = await said("pause", "--all", "--reason", "x", "--as", "alex")
            strange = await said("resume", "--workflow", "echo", "--as", "megan")
            monkeypatch.setenv("COUNTERSIGN_TOKEN", "token-of-megan")
            ended = await said("resume", "--tool", "send")
            everything = await said("pause", "--all", "--reason", "Incident.")
            monkeypatch.delenv("COUNTERSIGN_TOKEN")
            nobody = await said("resume", "--all")
            neither = await said("resume", "--as", "megan")
            return [begun, refused, strange, ended, everything, nobody, neither]

    begun, refused, strange, ended, everything, nobody, neither = asyncio.run(story())
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")
    now, once = cli("pauses"), cli("pauses", "--ended")
    (listed,) = json.loads(cli("pauses", "--json").out)

    assert (0, "the tool send is paused.") == (begun.status, begun.out.strip()[-24:])
    assert (1, True) == (refused.status, "This needs the role boss." in refused.err)
    assert "the workflow echo is not paused; paused: the tool send." in strange.err
    assert (0, True) == (ended.status, "the tool send goes on." in ended.out)
    assert "everything is paused." in everything.out
    assert "COUNTERSIGN_TOKEN, or in local mode --as PERSON" in nobody.err
    assert "exactly one of --tool, --workflow, --agent, --domain and --all" in neither.err
    assert ("Incident.", {"kind": "all", "name": ""}) == (listed["reason"], listed["scope"])
    assert "everything: paused by Megan Bowen since" in now.out
    assert "send" not in now.out
    assert "the tool send: paused by Megan Bowen since 2026-11-22 12:00 UTC: Wrong." in once.out
    assert "by Megan Bowen)" in once.out


def test_what_waits_together_is_decided_through_the_running_server(
    cli: Cli, tmp_path: Path
) -> None:
    async def story() -> list[Said]:
        async with running(tmp_path) as world:
            one, _ = await together(world, 1, 2)
            url = str(world.client.make_url(""))
            text = (REPOSITORY / "countersign.yaml").read_text()
            (tmp_path / "c.yaml").write_text(text.replace("local-token-", "token-of-"))
            common = ["--server", url, "--config", "c.yaml", "--as", "alex"]
            asked = ("requests", "decide-together", one.id, "approve", *common)
            return [await asyncio.to_thread(cli, *asked, *more) for more in (["--show"], [], [])]

    shown, decided, again = asyncio.run(story())

    assert (2, 2) == (shown.out.count("is pending"), decided.out.count("is approved"))
    assert "none waits any more" in again.err


def test_an_undo_goes_through_the_running_server(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typer, "confirm", lambda text: text != "Undo it?")

    async def story() -> list[Said]:
        async with running(tmp_path) as world:
            request = await world.done()
            url = str(world.client.make_url(""))
            text = (REPOSITORY / "countersign.yaml").read_text()
            (tmp_path / "c.yaml").write_text(text.replace("local-token-", "token-of-"))
            common = ["--server", url, "--config", "c.yaml", "--as", "alex"]
            asked = ("undo", request["id"], "--reason", "Wrong one.", *common)
            no = await asyncio.to_thread(cli, *asked)
            yes = (*asked, "--yes")
            return [no, *[await asyncio.to_thread(cli, *yes) for _ in range(2)]]

    unsure, begun, again = asyncio.run(story())

    assert "Look takes it back, with" in unsure.out
    assert "To: ceo" in unsure.out
    assert "has it undone" not in unsure.out
    assert "Alex Wilber has it undone; that is under way. Session S" in begun.out
    assert "Alex Wilber has it undone already" in again.err


def test_a_vote_is_taken_back_and_an_approval_revoked(cli: Cli, tmp_path: Path) -> None:
    two = {"effect": "require_approval", "stages": [{"roles": ["manager"], "quorum": 2}]}

    async def story() -> list[Said]:
        async with running(tmp_path) as world:
            world.policies.replace(Policy.load({"tools": {"send": two}}))
            request = await world.waiting()
            url = str(world.client.make_url(""))
            text = (REPOSITORY / "countersign.yaml").read_text()
            (tmp_path / "c.yaml").write_text(text.replace("local-token-", "token-of-"))
            common = ["--server", url, "--config", "c.yaml", "--as", "alex"]

            async def said(*arguments: str) -> Said:
                return await asyncio.to_thread(cli, *arguments, *common)

            nothing = await said("withdraw", request["id"])
            await world.vote(request)
            back = await said("withdraw", request["id"])
            await world.vote(request)
            early = await said("revoke", request["id"], "--reason", "Too early.")
            await world.vote(request, person="megan")
            revoked = await said("revoke", request["id"], "--reason", "Wrong customer.")
            return [nothing, back, early, revoked]

    nothing, back, early, revoked = asyncio.run(story())

    assert "there is nothing to take back" in nothing.err
    assert "is pending, without that vote" in back.out
    assert "Nothing is decided yet" in early.err
    assert "is rejected" in revoked.out


def test_grants_go_through_the_running_server(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> list[Said]:
        async with running(tmp_path) as world:
            request = await world.waiting()
            url = str(world.client.make_url(""))
            text = (REPOSITORY / "countersign.yaml").read_text()
            (tmp_path / "c.yaml").write_text(text.replace("local-token-", "token-of-"))
            common = ["--server", url, "--config", "c.yaml", "--as", "alex"]

            async def said(*arguments: str) -> Said:
                return await asyncio.to_thread(cli, "grants", *arguments, *common)

            id_ = request["id"]
            wide = await said("give", id_, "--uses", "30")
            odd = await said("give", id_, "--for", "7")
            given = await said("give", id_, "--uses", "3", "--total", "99.50", "--when", "true")
            (grant,) = re.findall(r"(G-\w+): send", given.out)
            await said("revoke", grant)
            again = await said("give", id_)
            return [wide, odd, given, again]

    wide, odd, given, again = asyncio.run(story())
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")
    listed, as_json = cli("grants", "list"), json.loads(cli("grants", "list", "--json").out)

    assert "permits 20 uses at most, not 30" in wide.err
    assert "--for: '7' has no unit" in odd.err
    assert "send, the next 3, up to 99.50 in total." in given.out
    assert "send, the next 20, up to 500 in total." in again.out
    first, second = sorted(listed.out.splitlines(), key=lambda line: "revoked" in line)
    assert "send with to 'ceo': the next 20, up to 500 in total; by Alex Wilber; not used" in first
    assert second.endswith("revoked by Alex Wilber")
    assert {None, "alex"} == {each["grant"]["revoked_by"] for each in as_json}


def test_delegations_go_through_the_running_server(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> list[Said]:
        async with running(tmp_path) as world:
            url = str(world.client.make_url(""))
            text = (REPOSITORY / "countersign.yaml").read_text()
            (tmp_path / "c.yaml").write_text(text.replace("local-token-", "token-of-"))
            common = ["--server", url, "--config", "c.yaml", "--as", "alex"]

            async def said(*arguments: str) -> Said:
                return await asyncio.to_thread(cli, *arguments, *common)

            odd = await said("delegate", "give", "adele", "--until", "soon")
            local = await said("delegate", "give", "adele", "--until", "2026-12-01T10:00:00")
            over = await said("delegate", "give", "adele", "--until", "2026-11-20")
            until = ("--until", "2026-12-01T10:00:00+01:00")
            given = await said(
                "delegate", "give", "adele", *until, "--from", "2026-11-30T00:00:00Z",
                "--role", "manager",
            )  # fmt: skip
            (first,) = re.findall(r"(D-\w+): ", given.out)
            await said("delegate", "revoke", first)
            away = await said("away", "--substitute", "megan", "--until", "2026-12-24")
            return [odd, local, over, given, away]

    odd, local, over, given, away = asyncio.run(story())
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")
    listed, ended = cli("delegate", "list"), cli("delegate", "list", "--ended")
    (as_json,) = json.loads(cli("delegate", "list", "--json").out)

    assert "--until: 'soon' is no time; write 2026-12-20" in odd.err
    assert "'2026-12-01T10:00:00' has no time zone" in local.err
    assert "UTC is not after now" in over.err
    assert (
        "Adele Vance decides for Alex Wilber as manager from 2026-11-30 00:00 to 2026-12-01 09:00 "
        "UTC." in given.out
    )
    assert "Megan Bowen decides for Alex Wilber from" in away.out
    assert "(out of office)." in away.out
    assert ("megan", "api") == (as_json["delegate"], as_json["via"])
    assert "Adele" not in listed.out
    assert "; revoked by Alex Wilber" in ended.out


def test_nobody_has_delegated_at_first(cli: Cli, database: Path) -> None:
    assert "Nobody has let anybody decide for them." in cli("delegate", "list").out


def test_nothing_is_granted_at_first(cli: Cli, database: Path) -> None:
    assert "Nothing was granted." in cli("grants", "list").out


def test_nothing_is_paused_at_first(cli: Cli, database: Path) -> None:
    assert "Nothing is paused." in cli("pauses").out


def test_resolve_goes_through_the_running_server(cli: Cli, tmp_path: Path) -> None:
    async def story() -> tuple[str, list[Said]]:
        async with running(tmp_path) as world:
            request = await world.doubted()
            url = str(world.client.make_url(""))
            text = (REPOSITORY / "countersign.yaml").read_text()
            (tmp_path / "c.yaml").write_text(text.replace("local-token-", "token-of-"))

            async def resolve(*more: str) -> Said:
                common = ["--server", url, "--config", "c.yaml"]
                return await asyncio.to_thread(
                    cli, "requests", "resolve", request["id"], *more, *common
                )

            note = ("--note", "It is not in the outbox.")
            return request["id"], [
                await resolve("--as", "alex", *note),
                await resolve("--as", "alex", "--happened"),
                await resolve("--as", "sam", "--happened", *note),
                await resolve("--as", "alex", "--did-not-happen", *note),
                await resolve("--as", "megan", "--happened", *note),
            ]

    request, (no_word, no_note, not_theirs, done, late) = asyncio.run(story())

    assert [no_word.status, no_note.status] == [2, 2]
    assert (not_theirs.status, "somebody else has to" in not_theirs.err) == (1, True)
    assert (done.status, f"{request} is failed" in done.out) == (0, True)
    assert (late.status, "Alex Wilber found at" in late.err) == (1, True)


def test_doctor_names_what_to_fix(cli: Cli, tmp_path: Path) -> None:
    """Nothing listens at these addresses."""
    text = (REPOSITORY / "countersign.yaml").read_text()
    (tmp_path / "c.yaml").write_text(text.replace("http://127.0.0.1:88", "http://127.0.0.1:1"))
    said = cli("doctor", "--config", "c.yaml")

    assert said.status == 1
    assert "ok  configuration" in said.out
    assert "FIX model: scripted at http://127.0.0.1:101/v1/models cannot be reached" in said.out
    assert "FIX Jira, " in said.out
    assert "FIX ServiceNow, " in said.out


def test_doctor_names_sessions_whose_workflow_is_not_there(
    cli: Cli, database: Path, tmp_path: Path
) -> None:
    begun_on(database, "sales_quote", "0+other")
    said = cli("doctor")

    assert said.status == 1
    assert "FIX sessions: 1 of sales_quote, version 0+other, cannot go on" in said.out
    assert "this configuration has version 1+" in said.out

    begun_on(database, "gone", "1")

    assert "this configuration has no workflow of that name" in cli("doctor").out


def begun_on(database: Path, workflow: str, version: str) -> None:
    """Let the session in the database be one of this workflow."""
    with closing(sqlite3.connect(database)) as db, db:
        columns = "workflow = ?, workflow_version = ?"
        db.execute(f"UPDATE sessions SET {columns}", (workflow, version))  # noqa: S608


def test_doctor_is_content_with_what_works(cli: Cli, database: Path, tmp_path: Path) -> None:
    here = examine(REPOSITORY / "countersign.yaml", complete=True).versions
    begun_on(database, "sales_quote", here["sales_quote"][0])

    async def with_model() -> Said:
        async with ScriptedModel.start() as model, Jira.start() as jira, ServiceNow.start() as snow:
            text = (REPOSITORY / "countersign.yaml").read_text()
            for default, url in (
                ("http://127.0.0.1:8801/v1", model.base_url),
                ("http://127.0.0.1:8804", jira.url),
                ("http://127.0.0.1:8805", snow.url),
            ):
                assert default in text
                text = text.replace(default, url)
            (tmp_path / "c.yaml").write_text(text)
            return await asyncio.to_thread(cli, "doctor", "--config", "c.yaml")

    said = asyncio.run(with_model())

    assert (said.status, "FIX" in said.out) == (0, False)
    assert "workflows: sales_quote, crm_update" in said.out
    assert "is readable and on the current schema" in said.out
    assert "ok  Jira, " in said.out
    assert "ok  ServiceNow, " in said.out


def test_the_server_stops_on_sigterm(cli: Cli, tmp_path: Path) -> None:
    """As a service manager stops it: nothing on stdout, exit status 0."""
    environment = {**os.environ, "COUNTERSIGN_DATABASE_URL": f"sqlite:///{tmp_path}/s.db"}
    command = [sys.executable, "-m", "countersign.bot.cli.main", "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        first = json.loads(server.stderr.readline())
        server.send_signal(signal.SIGTERM)
        out, err = server.communicate(timeout=30)

    assert (first["event"], server.returncode, out) == ("serving", 0, "")
    assert "Traceback" not in err


def test_doctor_lists_every_problem_of_the_configuration(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_ENV", "production")

    said = cli("doctor")

    assert said.status == 1
    assert said.out.count("FIX configuration") >= 5


def test_questions_go_through_the_running_server(cli: Cli, tmp_path: Path) -> None:
    async def story() -> tuple[str, list[Said]]:
        async with running(tmp_path) as world:
            request = await world.waiting()
            url = str(world.client.make_url(""))
            text = (REPOSITORY / "countersign.yaml").read_text()
            (tmp_path / "c.yaml").write_text(text.replace("local-token-", "token-of-"))

            async def said(*arguments: str) -> Said:
                common = ["--server", url, "--config", "c.yaml"]
                return await asyncio.to_thread(cli, "requests", *arguments, *common)

            return request["id"], [
                await said("ask", request["id"], "Why so much?", "--as", "alex"),
                await said("answer", f"{request['id']}.1", "Because.", "--as", "alex"),
                await said("answer", f"{request['id']}.1", "Yes.", "--as", request["requester"]),
            ]

    request, (asked, not_theirs, not_yet) = asyncio.run(story())

    assert (asked.status, f"{request}.1 is open" in asked.out) == (0, True)
    assert (not_theirs.status, "Only whoever asked for this" in not_theirs.err) == (1, True)
    assert (not_yet.status, "nothing is asked of you" in not_yet.err) == (1, True)
