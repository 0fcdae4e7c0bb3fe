#!/usr/bin/env bash
# dateparser 1.5.0, Python 3.11; run on 2026-12-01.
#
# A contract runs "until H2 2027", a budget is for H1, as people write the halves of a year. dateparser knows quarters, "Q2
# 2027" is a date in that quarter, and gives None for what it does not know: "Q3" alone, "FY 2027", "week 5 2027".
# Expected: None for "H2 2027", or a date between July and December.
# What happens: it is 1 February 2027, and "H1 2027" is 1 January. The letter is passed over, and what stays is "2 2027",
# the second month.
# Who is hurt: deadlines that are read out of mails and contracts: a standing permission or a term ends five months before the
# earliest day that could be meant. H1 looks right, and a check for None passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "dateparser==1.5.0"
cat >"$folder/term.py" <<'PYTHON'
from datetime import datetime

import dateparser

settings = {"RELATIVE_BASE": datetime(2026, 12, 1, 12), "PREFER_DAY_OF_MONTH": "first"}
described = {
    "H1 2027": "2027-01-01",
    "H2 2027": "2027-02-01",
    "FY 2027": "None",
    "week 5 2027": "None",
}
seen = {}
for text in described:
    date = dateparser.parse(text, languages=["en"], settings=settings)
    seen[text] = str(date and date.date())
    print(f"{text}: {seen[text]}")
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/term.py"
