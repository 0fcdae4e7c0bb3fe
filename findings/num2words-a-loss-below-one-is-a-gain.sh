#!/usr/bin/env bash
# num2words 0.5.14, Python 3.11; run on 2026-12-01.
#
# A letter, a voice message or a screen reader says a number in words: a correction of -0.5 hours, a rate of -0.75 percent.
# Expected: num2words(-0.5) is "minus zero point five", as num2words(-1.5) is "minus one point five".
# What happens: between minus one and nought the minus is gone in most languages: English, German, French, Spanish, Dutch,
# Polish, Portuguese, Swedish, Danish, Finnish, Czech, Russian, Japanese. Hungarian has it, and so has English as
# a currency (to="currency"). Decimal, float and text are alike.
# Who is hurt: whoever hears or reads the words and not the digits, in which a person is asked or told: a deduction is said as
# an addition, and only when it is small, which tests with round numbers do not try.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "num2words==0.5.14"
cat >"$folder/words.py" <<'PYTHON'
from decimal import Decimal

from num2words import num2words

LOST = ("en", "de", "fr", "es", "nl", "pl", "pt", "sv", "da", "fi", "cs", "ru", "ja")
KEPT = ("hu",)
lost = []
for language in LOST + KEPT:
    below, above = (num2words(Decimal(number), lang=language) for number in ("-0.75", "0.75"))
    print(f"{language}: -0.75 is {below!r}, 0.75 is {above!r}")
    if below == above:
        lost.append(language)
whole = num2words(Decimal("-1.75"))
money = num2words(Decimal("-0.75"), to="currency", currency="EUR")
print(f"-1.75 is {whole!r}; EUR -0.75 is {money!r}")
as_described = tuple(lost) == LOST and whole.startswith("minus") and money.startswith("minus")
raise SystemExit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/words.py"
