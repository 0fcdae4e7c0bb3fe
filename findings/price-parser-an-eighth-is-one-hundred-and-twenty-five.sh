#!/usr/bin/env bash
# price-parser 0.5.1, Python 3.11; run on 2026-12-01.
#
# Rates and small prices have three places: a unit of cloud storage at USD 0.125, fuel at EUR 0.999, 0.500 of a day. They are
# read out of offers and mails, to be added up or to be held against a limit.
# Expected: a point with three digits behind it may be for thousands, "1.234" is a guess either way. A nought in front of it
# is not: no number is written 0 thousand 125.
# What happens: "0.125" is 125, "EUR 0,999" is 999. With two or with four digits it is right, 0.12 and 0.1250, so that the
# same table is read with a factor of a thousand in some of its rows. decimal_separator="." helps who knows the language.
# Who is hurt: whoever adds up lines of an offer, or asks a person above a limit. The third place, an eighth or a half of a
# cent, makes the line a thousand times as dear.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "price-parser==0.5.1"
cat >"$folder/rate.py" <<'PYTHON'
from price_parser import Price

described = {
    "USD 0.12": "0.12",
    "USD 0.125": "125",
    "USD 0.1250": "0.1250",
    "EUR 0,999": "999",
    "0.500": "500",
}
seen = {}
for text in described:
    seen[text] = str(Price.fromstring(text).amount)
    print(f"{text} is read as {seen[text]}")
told = Price.fromstring("USD 0.125", decimal_separator=".").amount
print(f"USD 0.125 with the separator told: {told}")
raise SystemExit(0 if seen == described and str(told) == "0.125" else 1)
PYTHON
"$folder/venv/bin/python" "$folder/rate.py"
