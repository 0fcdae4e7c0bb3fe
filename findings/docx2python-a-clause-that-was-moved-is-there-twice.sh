#!/usr/bin/env bash
# docx2python 3.7.1 and docx2txt 0.9, with python-docx 1.2.0, Python 3.11; run on 2026-12-01.
#
# A contract comes back with tracked changes: a number was replaced, and a clause was moved to another place. Both libraries
# know of changes: what was deleted is left out, and what was put in is there.
# Expected: the clause once, where it is now.
# What happens: it is there twice, where it was and where it is. A deletion has its text in an element of its own
# (w:delText), a move has it as usual text within w:moveFrom, and that is read. Word makes moves by itself when somebody cuts a
# paragraph and pastes it. mammoth 1.13.0 has it once.
# Who is hurt: whoever has amounts added up, clauses counted or two versions compared. A fee is owed twice, and the person who is
# asked sees a change which nobody has made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "docx2txt==0.9" "docx2python==3.7.1" "mammoth==1.13.0" "python-docx==1.2.0"
cat >"$folder/moved.py" <<'PYTHON'
import sys

import docx
import docx2txt
import mammoth
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx2python import docx2python


def tracked(paragraph, kind, text):
    change = OxmlElement(f"w:{kind}")
    change.set(qn("w:id"), "1")
    change.set(qn("w:author"), "Reader")
    change.set(qn("w:date"), "2026-12-01T09:00:00Z")
    run = paragraph.add_run(text)._r
    if kind == "del":
        run.find(qn("w:t")).tag = qn("w:delText")
    change.append(run)
    paragraph._p.append(change)


file = f"{sys.argv[1]}/contract.docx"
contract = docx.Document()
price = contract.add_paragraph("Price: EUR ")
tracked(price, "del", "700")
tracked(price, "ins", "800")
tracked(contract.add_paragraph(), "moveFrom", "Fee: EUR 50")
contract.add_paragraph("Term: one year")
tracked(contract.add_paragraph(), "moveTo", "Fee: EUR 50")
contract.save(file)
with open(file, "rb") as content:
    texts = {"mammoth": mammoth.extract_raw_text(content).value}
texts |= {"docx2txt": docx2txt.process(file), "docx2python": docx2python(file).text}
seen = []
for name, text in texts.items():
    print(f"{name}: {[line for line in text.splitlines() if line]}")
    seen.append((text.count("EUR 50"), "700" in text, "800" in text))
raise SystemExit(0 if seen == [(1, False, True), (2, False, True), (2, False, True)] else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/moved.py" "$folder"
