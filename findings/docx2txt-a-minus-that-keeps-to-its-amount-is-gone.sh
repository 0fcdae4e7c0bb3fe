#!/usr/bin/env bash
# docx2txt 0.9 and docx2python 3.7.1, with python-docx 1.2.0, Python 3.11; run on 2026-12-01.
#
# In a statement in Word somebody has written the minus so that it is not torn from its amount at the end of a line, with the
# hyphen that does not break (Ctrl+Shift+_). The file has an element for it, w:noBreakHyphen.
# Expected: "-300.00", as python-docx reads it, or U+2011, as mammoth does.
# What happens: both leave it out. The balance is 300.00, order A-7 is A7, and 2026-12-01 written so is 20261201.
# Who is hurt: whoever has text taken out of letters and contracts for a rule or for a model. A credit is a debt, and a number
# of an order is another one; a hyphen that was typed as usual is there, so the next file is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "docx2txt==0.9" "docx2python==3.7.1" "python-docx==1.2.0"
cat >"$folder/balance.py" <<'PYTHON'
import sys

import docx
import docx2txt
from docx.oxml import OxmlElement
from docx2python import docx2python

file = f"{sys.argv[1]}/statement.docx"
statement = docx.Document()
paragraph = statement.add_paragraph("Balance: ")
hyphen = paragraph.add_run()
hyphen._r.append(OxmlElement("w:noBreakHyphen"))
paragraph.add_run("300.00; fee: -20.00")
statement.save(file)
seen = {
    "python-docx": docx.Document(file).paragraphs[0].text,
    "docx2txt": docx2txt.process(file).strip(),
    "docx2python": docx2python(file).text.strip(),
}
for name, text in seen.items():
    print(f"{name}: {text}")
right, wrong = "Balance: -300.00; fee: -20.00", "Balance: 300.00; fee: -20.00"
raise SystemExit(0 if list(seen.values()) == [right, wrong, wrong] else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/balance.py" "$folder"
