#!/usr/bin/env bash
# python-docx 1.2.0, Python 3.11; run on 2026-11-30.
#
# A contract comes back from the other side with tracked changes: in "Payment is due within 30 days." the 30 is
# deleted and 60 inserted, as Word writes it (w:del and w:ins around runs). A program reads the paragraphs, to
# compare clauses or to give them to a model.
# Expected: `Paragraph.text` is the text before the changes or the text after them, as Word shows it.
# What happens: it is neither. Runs inside w:ins are not of the paragraph for python-docx, and deleted text is
# no text, so both numbers are missing: "Payment is due within  days." No warning, no attribute that says that
# something was left out; `runs` has the same hole. A paragraph that was inserted as a whole is an empty one.
# Who is hurt: reviews of redlined contracts. What the other side has changed is what cannot be seen, and a
# comparison with the old text reports a deletion where there is a new term.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "python-docx==1.2.0"
cat >"$folder/redline.py" <<'PYTHON'
import io

from docx import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

WHO = 'w:author="Counsel" w:date="2026-11-02T09:00:00Z"'


def change(kind, number, text):
    tag = "delText" if kind == "del" else "t"
    return parse_xml(
        f'<w:{kind} {nsdecls("w")} w:id="{number}" {WHO}><w:r><w:{tag}>{text}</w:{tag}></w:r></w:{kind}>'
    )


document = Document()
clause = document.add_paragraph("Payment is due within ")
clause._p.append(change("del", 1, "30"))
clause._p.append(change("ins", 2, "60"))
clause.add_run(" days.")
added = document.add_paragraph()
added._p.append(change("ins", 3, "Interest is not owed."))
stored = io.BytesIO()
document.save(stored)

texts = [paragraph.text for paragraph in Document(stored).paragraphs]
runs = ["".join(run.text for run in paragraph.runs) for paragraph in Document(stored).paragraphs]
print("text:", texts)
print("runs:", runs)
raise SystemExit(0 if texts == runs == ["Payment is due within  days.", ""] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/redline.py"
