#!/usr/bin/env bash
# pySFeel 1.4.2 (what pyDMNrules decides with), Python 3.11; run on 2026-12-01.
#
# A rule of DMN looks at the text of a payment: matches(text, "urgent|gift card") asks a person.
# Expected: true wherever the words are in the text. FEEL takes matches() from XPath, where a pattern is looked for anywhere
# and has ^ and $ for the ends.
# What happens: the pattern is looked for at the beginning only, as Python's re.match does. "urgent: pay Ann" is found,
# "please pay Ann, urgent" is not, and "[0-9]" finds no digit in "INV-7". The end is open, so it is no comparison of the
# whole text either. contains() and replace() in the same language look everywhere.
# Who is hurt: whoever moves a decision table to Python. The rule still works for the examples, which begin with the word, and
# lets through what has it later.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pySFeel==1.4.2"
cat >"$folder/words.py" <<'PYTHON'
import pySFeel

described = {
    'matches("urgent: pay Ann", "urgent|gift card")': True,
    'matches("please pay Ann, urgent", "urgent|gift card")': False,
    'matches("please pay Ann, urgent", ".*urgent")': True,
    'matches("INV-7", "[0-9]")': False,
    'matches("INV-7", "INV")': True,
    'contains("please pay Ann, urgent", "urgent")': True,
    'replace("INV-7", "[0-9]", "8")': "INV-8",
}
parser = pySFeel.SFeelParser()
seen = {}
for written in described:
    status, seen[written] = parser.sFeelParse(written)
    assert not status, status
    print(f"{written}: {seen[written]}")
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/words.py"
