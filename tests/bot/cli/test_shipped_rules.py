"""The rules that are shipped with the uses, compared with what must come of calls."""

from __future__ import annotations

import pytest
import yaml

from tests.bot.cli.conftest import REPOSITORY, Cli

SHIPPED = ("documents",)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_tool_has_an_example_that_comes_out_as_it_should(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COUNTERSIGN_ENV", "local")
    path = REPOSITORY / "examples" / f"{name}.yaml"
    policy = yaml.safe_load(path.read_text())["policy"]

    said = cli("policy", "test", "--config", str(path))

    count = len(policy["examples"])
    assert (0, f"{count} of {count} examples as expected") == (said.status, said.out.strip())
    assert set(policy["tools"]) == {each["tool"] for each in policy["examples"]}
