"""How the house is built, in numbers: `.venv/bin/python scripts/structure.py`.

For each package: modules flat in its folder, rooms (modules and sub-packages one level
down), floors (the longest chain of rooms that import each other), circles (rooms, and modules, that
import each other in a ring). Imports that only a type checker sees count. `--json` prints JSON. In
a checkout from before `countersign/` there were packages at the top level; it finds those as well.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import grimp

ROOT = Path.cwd()
PACKAGES = ("approvals", "agents", "connectors", "bot")
ONE = "countersign" if (ROOT / "countersign").is_dir() else ""


def components(graph: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components, each after those that it imports (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            cut = stack.index(node)
            found.append(stack[cut:])
            del stack[cut:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def floors(graph: dict[str, set[str]]) -> int:
    """The longest chain of imports; a circle stands on one floor."""
    height: dict[str, int] = {}
    for component in components(graph):
        below = [height[o] for node in component for o in graph[node] if o not in component]
        height.update(dict.fromkeys(component, 1 + max(below, default=0)))
    return max(height.values(), default=0)


def package(imports: grimp.ImportGraph, name: str) -> dict[str, Any]:
    """The figures of one package."""
    top = f"{ONE}.{name}" if ONE else name
    modules = {m for m in imports.modules if m.startswith(f"{top}.")}
    edges = {m: imports.find_modules_directly_imported_by(m) & modules for m in modules}

    def room(module: str) -> str:
        return module.removeprefix(f"{top}.").partition(".")[0]

    rooms: dict[str, set[str]] = {room(m): set() for m in modules}
    for module, others in edges.items():
        rooms[room(module)] |= {room(o) for o in others} - {room(module)}
    folder = ROOT / name
    lines = [len(f.read_text().splitlines()) for f in folder.rglob("*.py")]
    return {
        "flat": sum(f.name != "__init__.py" for f in folder.glob("*.py")),
        "rooms": len(rooms),
        "floors": floors(rooms),
        "circles": [c for c in components(rooms) if len(c) > 1],
        "circles_of_modules": [c for c in components(edges) if len(c) > 1],
        "files": len(lines),
        "lines": sum(lines),
        "median": int(statistics.median(lines)),
        "longest": max(lines),
    }


def main() -> int:
    """Print the table; the exit code is 1 if there is a circle."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    sys.path.insert(0, str(ROOT))
    imports = grimp.build_graph(*([ONE] if ONE else PACKAGES), cache_dir=None)
    found = {name: package(imports, name) for name in PACKAGES}
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        names = ("flat", "rooms", "floors", "files", "lines", "median", "longest")
        print("".join(f"{column:>12}" for column in ("", *names, "circles")))
        for name, row in found.items():
            circles = len(row["circles"]) + len(row["circles_of_modules"])
            cells = (*(row[column] for column in names), circles)
            print(f"{name:>12}" + "".join(f"{cell:>12}" for cell in cells))
        for name, row in found.items():
            for circle in (*row["circles"], *row["circles_of_modules"]):
                print(f"circle in {name}: {' '.join(circle)}")
    return int(any(row["circles"] or row["circles_of_modules"] for row in found.values()))


if __name__ == "__main__":
    sys.exit(main())
