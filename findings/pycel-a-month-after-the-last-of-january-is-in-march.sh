#!/usr/bin/env bash
# pycel 1.0b30 (openpyxl 3.1.5, numpy 1.26.4), Python 3.11; run on 2026-12-01.
#
# A workbook has the date of an invoice and when it is due, a month later: =EDATE(B1,1). A program works the workbook out.
# Expected: what the spreadsheet shows. A month after 31 January is the last day of February, and after 31 August 30 September
# (the last day of a month that is too short, as in Excel).
# What happens: the days that the month lacks are added: 3 March, and 1 October. A month before 31 March is 3 March. EOMONTH
# is right, and so is EDATE from the 1st to the 28th.
# Who is hurt: due dates, notice periods, rates of a loan. Everything that begins on one of the last days of a month ends in
# the month after the one that was meant, and nothing is raised.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pycel==1.0b30" "openpyxl==3.1.5" "numpy==1.26.4" "setuptools<81"
cat >"$folder/book.py" <<'PYTHON'
import sys
from datetime import date, timedelta

import openpyxl
from pycel import ExcelCompiler

wanted = {
    "=EDATE(B1,1)": date(2026, 2, 28),
    "=EDATE(B2,1)": date(2026, 9, 30),
    "=EDATE(B3,-1)": date(2026, 2, 28),
    "=EDATE(B4,1)": date(2026, 2, 15),
    "=EOMONTH(B1,1)": date(2026, 2, 28),
}
book = openpyxl.Workbook()
sheet = book.active
sheet.title = "S"
for row, day in enumerate([date(2026, 1, 31), date(2026, 8, 31), date(2026, 3, 31), date(2026, 1, 15)], 1):
    sheet.cell(row, 2, day)
for row, formula in enumerate(wanted, 1):
    sheet.cell(row, 1, formula)
book.save(sys.argv[1])
worked_out = ExcelCompiler(sys.argv[1])
seen = []
for row, (formula, right) in enumerate(wanted.items(), 1):
    day = date(1899, 12, 30) + timedelta(days=int(worked_out.evaluate(f"S!A{row}")))
    print(f"{formula}: {day}, in the spreadsheet {right}")
    seen.append(day)
as_seen = [date(2026, 3, 3), date(2026, 10, 1), date(2026, 3, 3), date(2026, 2, 15), date(2026, 2, 28)]
raise SystemExit(0 if seen == as_seen else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/book.py" "$folder/book.xlsx" 2>/dev/null
