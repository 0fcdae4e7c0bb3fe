#!/usr/bin/env bash
# xlcalculator 0.5.0 (openpyxl 3.1.5, numpy 1.26.4), Python 3.11; run on 2026-12-01.
#
# A column has scores of suppliers, and is empty where there is none yet: =COUNTIF(B1:B4,"<10") counts the bad ones.
# Expected: 2 of the scores 0 and 5; a criterion that compares numbers never matches an empty cell in a
# spreadsheet.
# What happens: each empty cell is a zero: 4 are below 10, and COUNTIF(B1:B4,0) finds 3 of which one is there.
# Who is hurt: checks of thresholds over columns that are not full: whoever has no score has the worst, and "nobody is at
# zero" is never true.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "xlcalculator==0.5.0" "openpyxl==3.1.5" "numpy==1.26.4"
cat >"$folder/book.py" <<'PYTHON'
import sys

import openpyxl
from xlcalculator import Evaluator, ModelCompiler

wanted = {'=COUNTIF(B1:B4,"<10")': 2, "=COUNTIF(B1:B4,0)": 1, '=COUNTIF(B1:B4,">4")': 1}
book = openpyxl.Workbook()
sheet = book.active
sheet.title = "S"
sheet["B1"], sheet["B2"] = 0, 5
for row, formula in enumerate(wanted, 1):
    sheet.cell(row, 1, formula)
book.save(sys.argv[1])
evaluator = Evaluator(ModelCompiler().read_and_parse_archive(sys.argv[1]))
seen = [float(evaluator.evaluate(f"S!A{row}")) for row in range(1, len(wanted) + 1)]
for (formula, right), value in zip(wanted.items(), seen, strict=True):
    print(f"{formula}: {value:g}, in the spreadsheet {right}")
raise SystemExit(0 if seen == [4, 3, 1] else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/book.py" "$folder/book.xlsx" 2>/dev/null
