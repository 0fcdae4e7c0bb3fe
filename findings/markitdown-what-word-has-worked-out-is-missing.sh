#!/usr/bin/env bash
# markitdown 0.1.9 with mammoth 1.13.0 and python-docx 1.2.0, Python 3.11; run on 2026-12-01.
#
# An order in Word has a total that Word has added up, and a number that it takes from the properties of the document. Such a
# result is kept in the file, within w:fldSimple, the short form of a field, which programs that fill in templates write.
# Expected: the text that one sees in Word, as it comes for the long form of a field (w:fldChar).
# What happens: the sentence without it: "Total: EUR , due for order ." The amount is not there, and nothing marks where it was.
# mammoth, which reads the file for markitdown, says in its list of messages that it has passed over an element;
# markitdown has no such list, and drops it.
# Who is hurt: whoever has a model read orders or contracts, and the person who is asked about what it has found. The total is
# missing, or a model puts one in its place.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "markitdown[docx]==0.1.9" "mammoth==1.13.0" "python-docx==1.2.0"
cat >"$folder/order.py" <<'PYTHON'
import sys

import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from markitdown import MarkItDown


def short(paragraph, instruction, result):
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), instruction)
    field.append(paragraph.add_run(result)._r)
    paragraph._p.append(field)


def long(paragraph, instruction, result):
    for kind, text in (("begin", ""), (None, instruction), ("separate", ""), ("text", result), ("end", "")):
        run = paragraph.add_run(text if kind == "text" else "")
        if kind is None:
            written = OxmlElement("w:instrText")
            written.text = text
            run._r.append(written)
        elif kind != "text":
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._r.append(mark)


seen = []
for field in (short, long):
    order = docx.Document()
    paragraph = order.add_paragraph("Total: EUR ")
    field(paragraph, "=SUM(ABOVE)", "12,500.00")
    paragraph.add_run(", due for order ")
    field(paragraph, "DOCPROPERTY Number", "PO-7")
    paragraph.add_run(".")
    file = f"{sys.argv[1]}/{field.__name__}.docx"
    order.save(file)
    seen.append(MarkItDown().convert(file).text_content.strip())
    print(f"{field.__name__} form of the fields: {seen[-1]}")
described = ["Total: EUR , due for order .", "Total: EUR 12,500.00, due for order PO-7."]
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/order.py" "$folder" 2>/dev/null
