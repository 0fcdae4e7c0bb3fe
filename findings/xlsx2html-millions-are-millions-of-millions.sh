#!/usr/bin/env bash
# xlsx2html 0.6.4 (openpyxl 3.1.5), Python 3.11; run on 2026-12-01.
#
# A sheet of a budget is "in EUR million": the cells hold euros, 25081000, and the format #,##0.0,, shows them as 25.1. A comma
# behind the last digit divides by a thousand. The sheet is turned into HTML for a card or a mail.
# Expected: 25.1, as in the spreadsheet.
# What happens: 25,081,000.0 under the heading "in EUR million". The commas at the end are left out, and nothing is divided:
# with 0.0, it is 25081000.0 for 25081.0.
# Who is hurt: whoever approves by the page. The heading makes the amount a million times as large, or the reader takes all
# sheets for euros, and is wrong with the one that has been worked out in millions.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "xlsx2html==0.6.4" "openpyxl==3.1.5"
cat >"$folder/budget.py" <<'PYTHON'
import io
import re
import sys

import openpyxl
from xlsx2html import xlsx2html

described = [
    (25_081_000, "#,##0.0,,", "25,081,000.0"),
    (25_081_000, "0.0,", "25081000.0"),
    (25_081_000, "#,##0.0", "25,081,000.0"),
    (25.1, "#,##0.0", "25.1"),
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
"$folder/venv/bin/python" "$folder/budget.py" "$folder/budget.xlsx"
