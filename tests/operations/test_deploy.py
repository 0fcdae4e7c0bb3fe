"""What the files in deploy/ name is there: files, commands, routes, variables."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from countersign.bot.cli.commands import app
from countersign.bot.settings.sections import ProcessSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
GUIDE = (ROOT / "docs" / "operations.md").read_text("utf-8")
CONTAINERFILE = (DEPLOY / "Containerfile").read_text("utf-8")
UNIT = (DEPLOY / "countersign.service").read_text("utf-8")
CADDYFILE = (DEPLOY / "Caddyfile").read_text("utf-8")
COMPOSE: Any = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def require_command(words: list[str]) -> None:
    """Fail unless `countersign` has this command with these options."""
    command: Any = typer.main.get_command(app)
    while words and isinstance(command, TyperGroup):
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_the_unit_runs_commands_that_exist() -> None:
    lines = re.findall(r"^ExecStart(?:Pre)?=(\S+) (.*)$", UNIT, re.M)

    assert {"/opt/countersign/bin/countersign"} == {program for program, _ in lines}
    for _, arguments in lines:
        require_command(arguments.split())


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and not os.environ.get("CI"),
    reason="there is no systemd",
)
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    program = str(Path(sys.executable).parent / "countersign")
    unit = tmp_path / "countersign.service"
    unit.write_text(UNIT.replace("/opt/countersign/bin/countersign", program))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stdout + done.stderr)


def test_a_stopping_server_is_given_the_time_that_it_may_take() -> None:
    """drain (10 s as the guide has it) + grace + 20 s, as docs/limits.md says."""
    (unit_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.M)
    compose_s = COMPOSE["x-countersign"]["stop_grace_period"].removesuffix("s")

    assert min(int(unit_s), int(compose_s)) >= 10 + 20 + 20


def copied() -> list[str]:
    """What the image's first stage takes from the checkout."""
    stage = CONTAINERFILE.partition("\nFROM ")[2].partition("\nFROM ")[0]
    lines = re.findall(r"^COPY (.+)$", stage, re.M)
    return [source for line in lines for source in line.split()[:-1]]


def test_the_image_takes_what_is_there_and_every_package() -> None:
    project: Any = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])

    assert [] == [source for source in copied() if not (ROOT / source).exists()]
    assert packages <= set(copied())


def test_the_image_and_the_balancer_ask_routes_that_exist() -> None:
    asked = re.findall(r"127\.0\.0\.1:3978(/\w+)", CONTAINERFILE)
    asked += re.findall(r"health_uri (\S+)", CADDYFILE)
    (kept_inside,) = re.findall(r"path (/.+)$", CADDYFILE, re.M)
    served = (ROOT / "bot" / "server" / "app.py").read_text("utf-8")

    assert ["/healthz", "/readyz"] == asked
    assert {"/metrics", "/healthz", "/readyz"} == set(kept_inside.split())
    for path in kept_inside.split():
        assert f'"{path}"' in served


def test_the_image_runs_a_command_that_exists() -> None:
    (arguments,) = re.findall(r"^CMD (\[.*\])$", CONTAINERFILE, re.M)

    require_command(yaml.safe_load(arguments))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image holds of ours: built from what it copies, and from nothing else."""
    source, site = tmp_path_factory.mktemp("src"), tmp_path_factory.mktemp("site")
    for name in copied():
        path = ROOT / name
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        ignore = shutil.ignore_patterns("__pycache__")
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=ignore)
        else:
            shutil.copy(path, source / name)
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "-q"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(site), str(source)], check=True)
    return site


def test_what_is_installed_in_the_image_works_by_itself(installed: Path, tmp_path: Path) -> None:
    """Migrations and whatever else is no Python module are in it."""
    libraries = sysconfig.get_path("purelib")
    env = {
        **os.environ,
        "PYTHONPATH": f"{installed}:{libraries}",
        "COUNTERSIGN_DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
    }
    where = (
        "import countersign.bot.cli.main, sys; sys.stderr.write(countersign.bot.cli.main.__file__)"
    )
    for arguments in (
        ["-c", where],
        ["-m", "countersign.bot.cli.main", "db", "upgrade"],
        ["-m", "countersign.bot.cli.main", "--help"],
    ):
        done = subprocess.run(
            [sys.executable, "-P", *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        if arguments[0] == "-c":
            assert done.stderr.startswith(str(installed))
    assert (tmp_path / "x.db").stat().st_size > 0


def services() -> Iterator[tuple[str, Any]]:
    yield from COMPOSE["services"].items()


def test_what_the_compose_file_refers_to_is_defined() -> None:
    named = {"networks": set[str](), "secrets": set[str](), "volumes": set[str]()}
    for _, service in services():
        named["networks"] |= set(service.get("networks", ()))
        secrets = service.get("secrets", ())
        named["secrets"] |= {s if isinstance(s, str) else s["source"] for s in secrets}
        sources = {volume.split(":")[0] for volume in service.get("volumes", ())}
        named["volumes"] |= {source for source in sources if not source.startswith(".")}
        for other in service.get("depends_on", ()):
            assert other in COMPOSE["services"]

    for section, names in named.items():
        assert names == set(COMPOSE[section])


def test_the_files_of_the_compose_file_are_there_or_the_guide_makes_them() -> None:
    files = {COMPOSE["x-countersign"]["build"]["dockerfile"]}
    for _, service in services():
        mounted = (volume.split(":")[0] for volume in service.get("volumes", ()))
        files |= {f"deploy/{source[2:]}" for source in mounted if source.startswith("./")}
        files |= {f"deploy/{name}" for name in service.get("env_file", ())}
    files |= {f"deploy/{secret['file'][2:]}" for secret in COMPOSE["secrets"].values()}

    for name in files:
        assert (ROOT / name).is_file() or name in GUIDE, name


def test_the_containers_run_commands_that_exist_on_postgresql() -> None:
    replicas = [name for name, _ in services() if name.startswith("replica")]

    assert len(replicas) >= 2
    assert all(f"{name}:3978" in CADDYFILE for name in replicas)
    require_command(COMPOSE["services"]["upgrade"]["command"])
    for name in (*replicas, "upgrade"):
        service = COMPOSE["services"][name]
        assert service["environment"]["COUNTERSIGN_DATABASE_URL"].startswith("postgresql://")
        assert "production" == service["environment"]["COUNTERSIGN_ENV"]
        assert "true" == service["environment"]["COUNTERSIGN_DATABASE_PRIVATE_NETWORK"]
        assert [] == sorted(set(COMPOSE["services"]["database"]["networks"]) - {"inside"})
        assert service["read_only"] is True


def test_variables_of_the_process_are_ones_that_it_reads() -> None:
    known = {f"COUNTERSIGN_{name.upper()}" for name in ProcessSettings.model_fields}
    given = set(re.findall(r"^Environment=(COUNTERSIGN_\w+)=", UNIT, re.M))
    given |= set(re.findall(r"^\s+(COUNTERSIGN_\w+)=", CONTAINERFILE, re.M))
    given |= set(COMPOSE["x-countersign"]["environment"]) - {"PGPASSFILE"}

    assert {
        "COUNTERSIGN_ENV",
        "COUNTERSIGN_CONFIG",
        "COUNTERSIGN_DATABASE_URL",
        "COUNTERSIGN_DATABASE_PRIVATE_NETWORK",
    } == given
    assert given <= known


def test_the_template_of_the_environment_holds_no_secret() -> None:
    lines = (DEPLOY / "countersign.env.example").read_text("utf-8").splitlines()
    given = [line for line in lines if line and not line.startswith("#")]

    assert given
    assert [] == [line for line in given if not re.fullmatch(r"[A-Z_]+=", line)]
