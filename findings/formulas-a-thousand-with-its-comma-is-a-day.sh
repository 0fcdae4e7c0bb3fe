#!/usr/bin/env bash
# formulas 1.3.4 (openpyxl 3.1.5, numpy 1.26.4), Python 3.11; run on 2026-12-01.
#
# Amounts have come into a workbook as texts, as from a bank's file, and =VALUE(B1) makes numbers of them.
# Expected: 1000 of "1,000", as a spreadsheet has it with English settings; or #VALUE!, as there is for "27,500.00" and "12,000".
# What happens: what could be a month and something is read as a date, and its number is returned: some 46,000 for "1,000" and
# "2,000", another one in each year. 46,022 is a sum that one may well expect.
# Who is hurt: totals of imported amounts: a thousand counts as forty-six thousand, and so do the next few, while larger ones are refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "formulas==1.3.4" "openpyxl==3.1.5" "numpy==1.26.4"
cat >"$folder/book.py" <<'PYTHON'
import sys

import formulas
import openpyxl

texts = ["1,000", "2,000", "27,500.00", "12,000", "1000"]
book = openpyxl.Workbook()
sheet = book.active
sheet.title = "S"
for row, text in enumerate(texts, 1):
    sheet.cell(row, 1, f"=VALUE(B{row})")
    sheet.cell(row, 2, text)
book.save(sys.argv[1])
cells = formulas.ExcelModel().loads(sys.argv[1]).finish().calculate()
found = {str(name).rpartition("!")[2].strip("'"): value for name, value in cells.items()}
seen = [found[f"A{row}"].value[0, 0] for row in range(1, len(texts) + 1)]
for text, value in zip(texts, seen, strict=True):
    print(f'VALUE("{text}"): {value}')
days = all(isinstance(value, float) and value > 45_000 for value in seen[:2])
raise SystemExit(0 if days and str(seen[2]) == str(seen[3]) == "#VALUE!" and seen[4] == 1000 else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/book.py" "$folder/book.xlsx" 2>/dev/null
