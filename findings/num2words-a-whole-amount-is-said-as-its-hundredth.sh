#!/usr/bin/env bash
# num2words 0.5.14, Python 3.11; run on 2026-12-01.
#
# A cheque, a contract or a notice has the amount in words beside the digits. The amount comes out of JSON, where 1200.50 is a
# float and 1200 a whole number, or out of a form, where it is text.
# Expected: num2words(1200, to="currency", currency="EUR") is one thousand two hundred euro, as it is for 1200.0 and "1200".
# What happens: a whole number is taken for cents, and it is twelve euro, zero cents. 1200.0, Decimal("1200") and the text
# "1200" are one thousand two hundred. Which of the two it is depends on the type alone, and JSON has none for it: 1200.50
# is right and 1200 a hundredth. An amount of 12 is zero euro, twelve cents.
# Who is hurt: whoever signs. Of digits and words that differ, the words are what counts on a cheque and on a bill.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "num2words==0.5.14"
cat >"$folder/cheque.py" <<'PYTHON'
import json
from decimal import Decimal

from num2words import num2words

amounts = [*json.loads("[1200.5, 1200.0, 1200]"), Decimal("1200"), "1200"]
seen = []
for amount in amounts:
    words = num2words(amount, to="currency", currency="EUR")
    print(f"{amount!r}: {words}")
    seen.append(words.replace(",", ""))
whole = "one thousand two hundred euro zero cents"
described = [whole.replace("zero", "fifty"), whole, "twelve euro zero cents", whole, whole]
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/cheque.py"
