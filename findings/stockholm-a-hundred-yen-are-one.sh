#!/usr/bin/env bash
# stockholm 0.5.7, Python 3.11; run on 2026-12-01.
#
# A payment service sends amounts in the smallest unit, and the currency as three letters: {"amount": 5000, "currency": "JPY"}.
# stockholm knows the currencies and their places: the yen has none, the dinar of Kuwait three.
# Expected: Money.from_sub_units(5000, "JPY") is 5000 yen, Money("1.250", "KWD").sub_units is 1250.
# What happens: the letters are only a name, and every name has two places: 50 yen, and 125 of the smallest unit of Kuwait.
# With the object of stockholm.currency, JPY without quotes, it is 5000 and 1250. Both print as the same currency, and
# can be added and compared with each other.
# Who is hurt: payments in currencies without hundredths. A hundredth of the amount is shown to the person who approves it,
# and a hundredfold or a tenth is what is sent on; euros and dollars, with which one tests, are right in both ways.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "stockholm==0.5.7"
cat >"$folder/yen.py" <<'PYTHON'
from stockholm import Money
from stockholm.currency import JPY, KWD

named = Money.from_sub_units(5000, "JPY")
known = Money.from_sub_units(5000, JPY)
print(f'5000 in "JPY": {named}; in JPY: {known}; currencies {named.currency} and {known.currency}')
print(f"together: {named + known}; the first is less: {named < known}")
sent = Money("1.250", "KWD").sub_units, Money("1.250", KWD).sub_units
print(f'1.250 "KWD" is sent as {sent[0]}, in KWD as {sent[1]}')
euros = Money.from_sub_units(5000, "EUR")
print(f'5000 in "EUR": {euros}')
as_described = (named.amount, known.amount, euros.amount) == (50, 5000, 50) and sent == (125, 1250)
raise SystemExit(0 if as_described and named < known else 1)
PYTHON
"$folder/venv/bin/python" "$folder/yen.py"
