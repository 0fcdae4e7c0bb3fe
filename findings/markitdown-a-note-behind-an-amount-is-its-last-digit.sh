#!/usr/bin/env bash
# markitdown 0.1.9 with mammoth 1.13.0 and python-docx 1.2.0, Python 3.11; run on 2026-12-01.
#
# A contract in Word is given to a model as Markdown. Its price has a mark for a note at the foot of the table, in superscript:
# EUR 500¹; and a quantity is written 2·10⁶.
# Expected: something stands between the two, such as 500^1 or <sup>1</sup>, as ~~ stands around what is struck out.
# What happens: EUR 5001, and 2·106. mammoth, which reads the file, has it right as <sup>; it is lost in the step from HTML
# to Markdown. Subscript is the same. Nothing is said.
# Who is hurt: the model, and the person who is asked about what it has read: ten times the price, or less than the thousandth
# of a quantity, from a contract in which anybody sees the right one. Real footnotes of Word come as links, and are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "markitdown[docx]==0.1.9" "mammoth==1.13.0" "python-docx==1.2.0"
cat >"$folder/price.py" <<'PYTHON'
import sys

import docx
import mammoth
from markitdown import MarkItDown

file = f"{sys.argv[1]}/price.docx"
contract = docx.Document()
price = contract.add_paragraph("Price: EUR 500")
price.add_run("1").font.superscript = True
quantity = contract.add_paragraph("Quantity: 2·10")
quantity.add_run("6").font.superscript = True
struck = contract.add_paragraph("Discount: ")
struck.add_run("20").font.strike = True
contract.save(file)
with open(file, "rb") as content:
    html = mammoth.convert_to_html(content).value
markdown = MarkItDown().convert(file).text_content
print(f"mammoth: {html}")
print(f"markitdown: {markdown!r}")
as_described = "500<sup>1</sup>" in html and "EUR 5001" in markdown and "2·106" in markdown and "~~20~~" in markdown
raise SystemExit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/price.py" "$folder" 2>/dev/null
