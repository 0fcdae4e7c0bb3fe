#!/usr/bin/env bash
# formulas 1.3.4 (openpyxl 3.1.5, numpy 1.26.4), Python 3.11; run on 2026-12-01.
#
# A column has who has approved, and is empty where nobody has: =COUNTIF(B1:B6,"<>") counts the approvals.
# Expected: 4 of six cells of which two are empty; the criterion "<>" alone means "not empty", as in every
# spreadsheet.
# What happens: 2, which is the number of the empty ones, and SUMIF(B1:B6,"<>",C1:C6) sums what stands beside those. "<>Ann"
# and COUNTA are right.
# Who is hurt: checklists and totals: "all but two have approved" and "two have approved" change places, and with three of six
# nobody sees it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "formulas==1.3.4" "openpyxl==3.1.5" "numpy==1.26.4"
cat >"$folder/book.py" <<'PYTHON'
import sys

import formulas
import openpyxl

wanted = {
    '=COUNTIF(B1:B6,"<>")': 4,
    '=SUMIF(B1:B6,"<>",C1:C6)': 1111,
    '=COUNTIF(B1:B6,"<>Ann")': 5,
    "=COUNTA(B1:B6)": 4,
}
book = openpyxl.Workbook()
sheet = book.active
sheet.title = "S"
for row, (who, amount) in enumerate(
    [("Ann", 1), ("Ben", 10), (None, 5), ("Cara", 100), (None, 6), ("Dave", 1000)], 1
):
    sheet.cell(row, 2, who)
    sheet.cell(row, 3, amount)
for row, formula in enumerate(wanted, 1):
    sheet.cell(row, 1, formula)
book.save(sys.argv[1])
cells = formulas.ExcelModel().loads(sys.argv[1]).finish().calculate()
found = {str(name).rpartition("!")[2].strip("'"): value for name, value in cells.items()}
seen = [float(found[f"A{row}"].value[0, 0]) for row in range(1, len(wanted) + 1)]
for (formula, right), value in zip(wanted.items(), seen, strict=True):
    print(f"{formula}: {value:g}, in the spreadsheet {right}")
raise SystemExit(0 if seen[:2] == [2, 11] and seen[3] == 4 else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/book.py" "$folder/book.xlsx" 2>/dev/null
