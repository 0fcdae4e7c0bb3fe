#!/usr/bin/env bash
# pycel 1.0b30 (openpyxl 3.1.5, numpy 1.26.4), Python 3.11; run on 2026-12-01.
#
# A workbook works out an amount, =ROUND(B1,2), and the sentence that a letter has of it, ="Fee: "&TEXT(B1,"0.00").
# Expected: the same amount in both: a spreadsheet rounds a half away from zero, in cells and in texts.
# What happens: ROUND does, and TEXT rounds a half to the even neighbour: 0.125 is 0.13 in the cell and 0.12 in the letter, 2.5
# is 3 and "2"; 0.375 and 3.5 are the same in both.
# Who is hurt: letters and invoices that are written from a workbook on a server: every second half differs by a cent from
# the sum that is booked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pycel==1.0b30" "openpyxl==3.1.5" "numpy==1.26.4" "setuptools<81"
cat >"$folder/book.py" <<'PYTHON'
import sys

import openpyxl
from pycel import ExcelCompiler

wanted = {
    "=ROUND(0.125,2)": "0.13",
    '=TEXT(0.125,"0.00")': "0.13",
    "=ROUND(2.5,0)": "3",
    '=TEXT(2.5,"0")': "3",
    '=TEXT(0.375,"0.00")': "0.38",
}
book = openpyxl.Workbook()
sheet = book.active
sheet.title = "S"
for row, formula in enumerate(wanted, 1):
    sheet.cell(row, 1, formula)
book.save(sys.argv[1])
worked_out = ExcelCompiler(sys.argv[1])
seen = [f"{worked_out.evaluate(f'S!A{row}')}" for row in range(1, len(wanted) + 1)]
for (formula, right), value in zip(wanted.items(), seen, strict=True):
    print(f"{formula}: {value}, in the spreadsheet {right}")
raise SystemExit(0 if seen == ["0.13", "0.12", "3.0", "2", "0.38"] else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/book.py" "$folder/book.xlsx" 2>/dev/null
