"""Known vulnerabilities, licences and a bill of materials of what is installed (`make audit`).

Exit status: 0 nothing is known against it, 1 something is, 2 nobody could be asked (then nothing is
known, which is not the same as nothing being wrong). What needs no network is done in every case.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REQUIREMENTS, ARTIFACTS = ROOT / "requirements", ROOT / "artifacts"
SHIPPED = "runtime"
LOCKS = ("build", "dev", "pyautogen")
"""The short one first, as the first that nobody answers for ends it; `dev` contains `runtime`."""
TOOL, VENV = "pip-audit==2.10.1", ROOT / ".venv-audit"
CLEAN, FOUND, NOT_ASKED = 0, 1, 2
WAIT_S = 600
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Pin:
    """One locked package."""

    name: str
    version: str
    hashes: tuple[str, ...]


class NotAskedError(Exception):
    """The advisories could not be read; the text says why."""


def pins(lock: str) -> list[Pin]:
    """The packages of a lock file, by name."""
    text = (REQUIREMENTS / f"{lock}.lock").read_text()
    starts = [*_PIN.finditer(text)]
    ends = [*(match.start() for match in starts[1:]), len(text)]
    return [
        Pin(match[1], match[2], tuple(_HASH.findall(text[match.start() : end])))
        for match, end in zip(starts, ends, strict=True)
    ]


def findings(tool: Sequence[str], lock: str) -> list[str]:
    """A line for each known vulnerability in a lock file. Raises NotAskedError."""
    command = [*tool, "--requirement", str(REQUIREMENTS / f"{lock}.lock")]
    command += [
        "--require-hashes",
        "--disable-pip",
        "--progress-spinner",
        "off",
        "--format",
        "json",
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, timeout=WAIT_S, check=False
        )
        answer: Any = json.loads(done.stdout)
        packages = answer["dependencies"]
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NotAskedError(f"{tool[0]}: {type(exc).__name__}") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise NotAskedError((done.stderr.strip().splitlines() or ["it said nothing"])[-1]) from exc
    skipped = [each for each in packages if "skip_reason" in each]
    if skipped:  # a mirror without advisories answers 404, which pip-audit takes for good news
        first = skipped[0]["skip_reason"]
        raise NotAskedError(f"{len(skipped)} of {len(packages)} packages in {lock}.lock: {first}")
    return [
        f"{package['name']} {package.get('version')}: {vulnerability['id']}"
        f" (fixed in {', '.join(vulnerability.get('fix_versions') or ['no version yet'])})"
        for package in packages
        for vulnerability in package.get("vulns", [])
    ]


def pip_audit() -> list[str]:
    """The command, in an environment of its own. Raises NotAskedError if it cannot be installed."""
    given = os.environ.get("PIP_AUDIT")
    if given:
        return [given]
    command = VENV / "bin" / "pip-audit"
    if not command.exists():
        steps = [
            [sys.executable, "-m", "venv", str(VENV)],
            [str(VENV / "bin" / "python"), "-m", "pip", "install", "-qq", TOOL],
        ]
        for step in steps:
            done = subprocess.run(step, check=False, timeout=WAIT_S)  # noqa: S603 - our own command
            if done.returncode:
                raise NotAskedError(f"{TOOL} cannot be installed")
    return [str(command)]


def licence(name: str) -> str:
    """The licence that a package names; `?` if it names none or is not installed."""
    try:
        meta = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "?"
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in meta.get_all("Classifier") or []
        if each.startswith("License ::")
    ]
    text = meta.get("License-Expression") or " / ".join(classifiers) or meta.get("License") or "?"
    return str(text).strip().splitlines()[0][:80]


def bill_of_materials(shipped: Sequence[Pin], licences: Mapping[str, str]) -> dict[str, Any]:
    """CycloneDX 1.5. Source: https://cyclonedx.org/docs/1.5/json/ (read 2026-11-25)."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "countersign"}},
        "components": [
            {
                "type": "library",
                "name": pin.name,
                "version": pin.version,
                "purl": f"pkg:pypi/{pin.name}@{pin.version}",
                "licenses": [{"license": {"name": licences[pin.name]}}],
                "properties": [
                    {"name": "sha256 of a distribution", "value": value} for value in pin.hashes
                ],
            }
            for pin in shipped
        ],
    }


def unhashed() -> Iterator[str]:
    """Locked packages that could be replaced on their way."""
    for lock in LOCKS:
        yield from (f"{lock}.lock: {pin.name} has no hash" for pin in pins(lock) if not pin.hashes)


def write_lists() -> str:
    """Write the licences and the bill of materials; where to."""
    shipped = pins(SHIPPED)
    licences = {pin.name: licence(pin.name) for pin in shipped}
    ARTIFACTS.mkdir(exist_ok=True)
    lines = [f"{pin.name} {pin.version}: {licences[pin.name]}" for pin in shipped]
    (ARTIFACTS / "licences.txt").write_text("\n".join(lines) + "\n")
    bill = json.dumps(bill_of_materials(shipped, licences), indent=2)
    (ARTIFACTS / "sbom.cdx.json").write_text(bill + "\n")
    unknown = sum(each == "?" for each in licences.values())
    return (
        f"{len(shipped)} packages, {unknown} without a licence that can be read here: "
        "artifacts/licences.txt, artifacts/sbom.cdx.json"
    )


def main() -> int:
    """Do all of it, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    wrong = [*unhashed()]
    print(f"Licences: {write_lists()}")
    print(f"Hashes: {'every locked package has one' if not wrong else 'MISSING'}")
    asked = True
    try:
        tool = pip_audit()
        for lock in LOCKS:
            wrong += [f"{lock}.lock: {line}" for line in findings(tool, lock)]
    except NotAskedError as exc:
        asked = False
        print(f"Advisories: NOT ASKED, so nothing is known about vulnerabilities. {exc}")
    for line in wrong:
        print(f"  {line}")
    if wrong:
        return FOUND
    if asked:
        print("Advisories: nothing is known against any locked package")
    return CLEAN if asked else NOT_ASKED


if __name__ == "__main__":
    sys.exit(main())
