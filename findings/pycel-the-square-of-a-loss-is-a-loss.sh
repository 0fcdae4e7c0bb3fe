#!/usr/bin/env bash
# pycel 1.0b30 (openpyxl 3.1.5, numpy 1.26.4), Python 3.11; run on 2026-12-01.
#
# A workbook has deviations from a plan, and sums their squares: =(-B1)^2.
# Expected: 9 of a deviation of 3. In a spreadsheet a minus before a number binds more tightly than ^, so =-B1^2 is 9 as well
# (Microsoft, "Calculation operators and precedence": negation comes before exponentiation).
# What happens: it is made Python's -B1**2, in which ^ comes first: -9. So it is where the spreadsheet has parentheses around
# the minus, which are dropped on the way. (0-B1)^2 is 9.
# Who is hurt: variances, distances, penalties, discount factors with a negated base: the sign is the other one, and a check
# such as "the deviation is below 5" lets everything pass.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pycel==1.0b30" "openpyxl==3.1.5" "numpy==1.26.4" "setuptools<81"
cat >"$folder/book.py" <<'PYTHON'
import sys

import openpyxl
from pycel import ExcelCompiler

wanted = {"=(-B1)^2": 9, "=-B1^2": 9, "=-3^2": 9, "=(0-B1)^2": 9, "=10-B1^2": 1}
book = openpyxl.Workbook()
sheet = book.active
sheet.title = "S"
sheet["B1"] = 3
for row, formula in enumerate(wanted, 1):
    sheet.cell(row, 1, formula)
book.save(sys.argv[1])
worked_out = ExcelCompiler(sys.argv[1])
seen = [worked_out.evaluate(f"S!A{row}") for row in range(1, len(wanted) + 1)]
for (formula, right), value in zip(wanted.items(), seen, strict=True):
    print(f"{formula}: {value}, in the spreadsheet {right}")
raise SystemExit(0 if seen == [-9, -9, -9, 9, 1] else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/book.py" "$folder/book.xlsx" 2>/dev/null
