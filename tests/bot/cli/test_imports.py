"""What is imported only by whoever needs it, because it takes time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from countersign.bot.cli.commands import app as APP  # noqa: N812 - to be told from the other
from countersign.bot.cli.serve import app as ALONE  # noqa: N812

HEAVY = frozenset(
    {
        *("alembic", "autogen", "botbuilder", "httpx", "jira", "jsonschema", "openai"),
        *("procrastinate", "psycopg", "pysnow"),
    }
)
HELP = """
import sys
from countersign.bot.cli.main import main
sys.argv = ["countersign", *{arguments!r}]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
"""
SERVE = """
import asyncio
from pathlib import Path
from countersign.bot.serving import serving
from countersign.bot.settings.file import load_settings

async def main():
    async with serving(load_settings(Path({config!r})), host="127.0.0.1", port=0):
        pass

asyncio.run(main())
"""
START = """
import asyncio, sys
from countersign.bot.cli.main import main
asyncio.run = lambda serving: serving.close()
sys.argv = ["countersign", "serve", "--config", {config!r}]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
assert "countersign.bot.serving" in sys.modules
"""
SAY = """
import json, sys
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""
CONFIG = """
people: [{{id: alex, name: Alex, roles: [manager], token: local-token-alex}}]
model: {{name: m, api_key_env: MODEL_KEY, base_url: "http://127.0.0.1:9"}}
workflows: {{modules: [tests.bot.cli.a_workflow]}}
policy: {{tools: {{pay: {{effect: require_approval, roles: [manager]}}}}}}
{more}
"""
JIRA = """
connectors:
  jira:
    url: http://127.0.0.1:9
    auth: {kind: basic, email: bot@example.com, token: t}
    project: OPS
    issue_type: Task
    statuses: {pending: ["1"], approved: ["2"], rejected: ["3"], changes: ["4"], closed: "5"}
    webhook_secret: a-secret-for-webhooks
"""


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["policy", "--help"]])
def test_help_imports_nothing_heavy(arguments: Sequence[str]) -> None:
    assert set() == imported(HELP.format(arguments=arguments)) & HEAVY


@pytest.mark.parametrize(
    ("more", "expected"), [("", set()), (JIRA, {"jira"})], ids=["neither", "jira"]
)
def test_server_imports_the_systems_that_are_configured(
    tmp_path: Path, more: str, expected: set[str]
) -> None:
    config = tmp_path / "countersign.yaml"
    config.write_text(CONFIG.format(more=more))
    found = imported(
        SERVE.format(config=str(config)),
        MODEL_KEY="k",
        COUNTERSIGN_DATABASE_URL=f"sqlite:///{tmp_path}/a.db",
    )

    assert expected == found & {"jira", "pysnow", "psycopg", "procrastinate"}
    assert "autogen" in found  # workflows are built and checked before anything is served


def test_server_imports_no_other_command_and_nothing_that_draws_for_them(tmp_path: Path) -> None:
    config = tmp_path / "countersign.yaml"
    config.write_text(CONFIG.format(more=""))
    code = START.format(config=str(config))
    found = imported(
        f"{code}\nassert 'countersign.bot.cli.commands' not in sys.modules",
        MODEL_KEY="k",
        COUNTERSIGN_DATABASE_URL=f"sqlite:///{tmp_path}/a.db",
    )

    assert set() == found & {"rich", "pygments", "aiosmtplib"}


def test_what_others_import_afterwards_is_there(tmp_path: Path) -> None:
    """A tool that draws with rich, in a server."""
    config = tmp_path / "countersign.yaml"
    config.write_text(CONFIG.format(more=""))
    code = START.format(config=str(config))
    found = imported(
        f"{code}\nimport rich.table, structlog; structlog.get_logger().info('said')",
        MODEL_KEY="k",
        COUNTERSIGN_DATABASE_URL=f"sqlite:///{tmp_path}/a.db",
    )

    assert {"rich", "structlog"} <= found


@pytest.mark.parametrize("arguments", [["serve", "--help"], ["serve", "--prot", "1"]])
def test_server_alone_says_what_the_whole_command_line_says(arguments: Sequence[str]) -> None:
    runner = CliRunner()
    whole, alone = (runner.invoke(app, arguments, prog_name="countersign") for app in (APP, ALONE))

    assert whole.output == alone.output
    assert whole.exit_code == alone.exit_code
    assert "countersign serve" in alone.output


def imported(code: str, **environment: str) -> set[str]:
    """The packages of a process that has run this."""
    around = {**os.environ, "COUNTERSIGN_ENV": "local", **environment}
    ended = subprocess.run(
        [sys.executable, "-c", code + SAY], capture_output=True, text=True, env=around
    )
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stderr.splitlines()[-1]))
