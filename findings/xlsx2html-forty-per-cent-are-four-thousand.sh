#!/usr/bin/env bash
# xlsx2html 0.6.4 (openpyxl 3.1.5), Python 3.11; run on 2026-12-01.
#
# A column of a workbook has rates as people type them, 40 for forty per cent, and the format 0" %" puts the sign behind them:
# in quotes it is a text like any other, and the spreadsheet shows "40 %". The sheet is turned into HTML for a card or a mail.
# Expected: 40 %.
# What happens: 4000" %". Any percent sign in a format multiplies by a hundred, in quotes or not (and the quotes are shown).
# The formats 0\ "% p.a." and "VAT "0" %" do the same: an interest of 3 % a year is 300.
# Who is hurt: the approver of a discount or a rate who sees the sheet in the mail only. With the cells that hold 0.4 as 0 %,
# right beside them, nothing tells which of the two is meant.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "xlsx2html==0.6.4" "openpyxl==3.1.5"
cat >"$folder/rates.py" <<'PYTHON'
import io
import re
import sys

import openpyxl
from xlsx2html import xlsx2html

described = [
    (40, '0" %"', '4000" %"'),
    (3, '0\\ "% p.a."', '300 "% p.a."'),
    (20, '"VAT "0" %"', '"VAT "2000" %"'),
    (0.4, "0%", "40%"),
    (40, '0" days"', '40" days"'),
]
book = openpyxl.Workbook()
for row, (value, form, _) in enumerate(described, 1):
    cell = book.active.cell(row, 1, value)
    cell.number_format = form
book.save(sys.argv[1])
page = io.StringIO()
xlsx2html(sys.argv[1], page)
cells = re.findall(r"<td[^>]*>(.*?)</td>", page.getvalue(), re.DOTALL)
for (value, form, _), shown in zip(described, cells, strict=True):
    print(f"{value} with the format {form}: {shown}")
raise SystemExit(0 if cells == [shown for *_, shown in described] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/rates.py" "$folder/rates.xlsx"
