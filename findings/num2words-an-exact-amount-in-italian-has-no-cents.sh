#!/usr/bin/env bash
# num2words 0.5.14, Python 3.11; run on 2026-12-01.
#
# A contract in Italian has an amount in words beside its digits. The amount is a Decimal, as money should be, or the text of
# a form.
# Expected: 1200.75 in words ends in "virgola sette cinque", as it does for the float 1200.75.
# What happens: the words for Decimal("1200.75") and for "1200.75" are "milleduecento". What is behind the point is gone, and
# a rate of 0.75 percent is "zero". The float, which one avoids for money, is right. Welsh is like Italian; German, French,
# Spanish, Dutch, Portuguese and English have all of it for each type.
# Who is hurt: whoever signs or hears the words in Italian. A test with floats, or with whole amounts, or in English is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "num2words==0.5.14"
cat >"$folder/contract.py" <<'PYTHON'
from decimal import Decimal

from num2words import num2words

LANGUAGES = ("it", "cy", "de", "fr", "es", "nl", "pt", "en")
without = []
for language in LANGUAGES:
    whole, exact, text, binary = (
        num2words(amount, lang=language) for amount in (1200, Decimal("1200.75"), "1200.75", 1200.75)
    )
    print(f"{language}: float {binary!r}, Decimal {exact!r}, text {text!r}")
    if whole == exact == text != binary:
        without.append(language)
rate = num2words(Decimal("0.75"), lang="it")
print(f"0.75 in Italian: {rate!r}")
raise SystemExit(0 if (without, rate) == (["it", "cy"], "zero") else 1)
PYTHON
"$folder/venv/bin/python" "$folder/contract.py"
