#!/usr/bin/env bash
# xlcalculator 0.5.0 (openpyxl 3.1.5, numpy 1.26.4), Python 3.11; run on 2026-12-01. formulas 1.3.4 does the same.
#
# A column of amounts has one that was typed as text (with an apostrophe, or imported), and =SUM(B1:B3) sums it.
# Expected: what the spreadsheet shows: SUM passes over texts in the cells that it is given, also those that look like numbers
# (Microsoft's page on SUM). People who see 30 approve 30.
# What happens: 40; while =B1+B2 with a text adds it in a spreadsheet, too.
# Who is hurt: a report that is worked out again on a server: its sums differ from those that were looked at and approved in the
# spreadsheet, by what somebody had taken out of them as text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "xlcalculator==0.5.0" "openpyxl==3.1.5" "numpy==1.26.4"
cat >"$folder/book.py" <<'PYTHON'
import sys

import openpyxl
from xlcalculator import Evaluator, ModelCompiler

book = openpyxl.Workbook()
sheet = book.active
sheet.title = "S"
sheet["A1"], sheet["A2"] = "=SUM(B1:B3)", "=SUM(B1:B2)"
sheet["B1"], sheet["B2"], sheet["B3"] = 10, 20, "10"
book.save(sys.argv[1])
evaluator = Evaluator(ModelCompiler().read_and_parse_archive(sys.argv[1]))
seen = [float(evaluator.evaluate(f"S!A{row}")) for row in (1, 2)]
print(f"the sum with a text among the cells: {seen[0]:g}, in the spreadsheet 30; without: {seen[1]:g}")
raise SystemExit(0 if seen == [40, 30] else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/book.py" "$folder/book.xlsx" 2>/dev/null
