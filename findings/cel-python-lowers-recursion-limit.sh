#!/usr/bin/env bash
# cel-python 0.5.0, Python 3.11; run on 2026-11-29.
#
# An application walks deep trees (documents, expressions, dependencies) with a recursive function and has
# raised Python's recursion limit for that at its start. Somewhere else in the same process a rules engine
# makes a CEL environment.
# Expected: making an environment concerns that environment.
# What happens: the constructor sets the recursion limit of the whole process to 2,500, whatever it was.
# Who had the default of 1,000 does not notice; who had raised it to more has it lowered, by an object they
# may not even know of, and not at import, where one would look, but when the first environment is made. A
# walk that has worked until then ends with RecursionError, in every thread.
# Who is hurt: servers that evaluate rules beside deep recursion of their own, and their tests: which of them
# fail depends on whether a test before them has made an environment.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "cel-python==0.5.0"
cat >"$folder/depth.py" <<'PYTHON'
import sys

import celpy

sys.setrecursionlimit(10_000)


def depth(node):
    return 1 + depth(node["inner"]) if node else 0


def measured(node):
    try:
        return depth(node)
    except RecursionError:
        return "RecursionError"


tree = {}
for _ in range(5_000):
    tree = {"inner": tree}
before = measured(tree)
celpy.Environment()
after = measured(tree)
print("depth of the tree, before an environment is made:", before)
print("recursion limit after one was made:", sys.getrecursionlimit())
print("depth of the same tree then:", after)
raise SystemExit(0 if (before, sys.getrecursionlimit(), after) == (5_000, 2_500, "RecursionError") else 1)
PYTHON
"$folder/venv/bin/python" "$folder/depth.py"
