#!/usr/bin/env bash
# xlsx2csv 0.8.6 (openpyxl 3.1.5), Python 3.11; run on 2026-12-01.
#
# A column of a workbook has amounts with their currency behind them, by the format #,##0.00" USD", and is turned into CSV for
# a program or a model. In a format, what is in quotes is text.
# Expected: 1234.5, as for #,##0.00" EUR" and for every other format of amounts, where xlsx2csv writes the number.
# What happens: #,##0.00" us18". The D of USD is taken for the day of a date, so the cell is a date: the format itself is
# written, small, with the 18th of the day number 1234 in it, and the amount is nowhere. CAD, HKD, "Saldo ", " h" and " days" do
# the same: 12 days are 0" 11ays". There is no error.
# Who is hurt: whoever reads the file by a program. It finds digits in each cell: 1234.50 and 1234.90 US dollars are both 18,
# while the euros in the same column are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "xlsx2csv==0.8.6" "openpyxl==3.1.5"
cat >"$folder/write.py" <<'PYTHON'
import csv
import io
import sys

import openpyxl
from xlsx2csv import Xlsx2csv

described = [
    (1234.5, '#,##0.00" EUR"', "1234.5"),
    (1234.5, '#,##0.00" USD"', '#,##0.00" us18"'),
    (1234.9, '#,##0.00" USD"', '#,##0.00" us18"'),
    (45000, '#,##0" CAD"', '#,##0" ca15"'),
    (12, '0" days"', '0" 11ays"'),
    (1234.5, "#,##0.00 [$USD]", "1234.5"),
]
book = openpyxl.Workbook()
for row, (value, form, _) in enumerate(described, 1):
    cell = book.active.cell(row, 1, value)
    cell.number_format = form
book.save(sys.argv[1])
out = io.StringIO()
Xlsx2csv(sys.argv[1]).convert(out)
seen = [row[0] for row in csv.reader(io.StringIO(out.getvalue()))]
for (value, form, _), written in zip(described, seen, strict=True):
    print(f"{value} with the format {form}: {written}")
raise SystemExit(0 if seen == [written for *_, written in described] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/write.py" "$folder/amounts.xlsx"
