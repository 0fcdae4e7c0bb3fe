#!/usr/bin/env bash
# currencyconverter 0.18.23 with the rates of the European Central Bank that it brings along, Python 3.11; run on 2026-12-01.
#
# A limit is in euros, and a payment in another currency is compared with it: convert(amount, "RUB", "EUR"), without a date,
# which stands for the newest rate.
# Expected: the rate of the newest day that there is, 2026-10-30 in this release; and RateNotFoundError for a currency that
# the bank has told no rate of for years, as with a date: convert(…, date=date(2026, 10, 30)) raises it.
# What happens: the day is the last one of the currency from which it is converted, each its own. Roubles are converted by the
# rate of 2022-03-01, 117 for a euro, on the day after which the bank told none; and into dollars by what a dollar was on that
# day. The other way, from dollars, it raises. So with levs and kunas, whose last days are harmless, and with lire and lei of
# before 2005, which are other money than those of today.
# Who is hurt: limits and reports. 100,000 roubles are 853 euros, whatever they have been worth since March 2022, and
# stay below a limit of 1,000; nothing says that the rate is of another year.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "currencyconverter==0.18.23"
cat >"$folder/limit.py" <<'PYTHON'
from datetime import date

from currency_converter import CurrencyConverter, RateNotFoundError

rates = CurrencyConverter()
newest = max(bounds.last_date for bounds in rates.bounds.values())


def said(*arguments, **options):
    try:
        return round(rates.convert(*arguments, **options), 2)
    except RateNotFoundError as error:
        return f"RateNotFoundError: {error}"


seen = {
    "100,000 RUB in EUR": said(100_000, "RUB", "EUR"),
    "of 2022-03-01": said(100_000, "RUB", "EUR", date=date(2022, 3, 1)),
    f"of {newest}": said(100_000, "RUB", "EUR", date=newest),
    "1,000 USD in RUB": said(1_000, "USD", "RUB"),
    "100,000 RUB in USD": said(100_000, "RUB", "USD"),
    "in USD of 2022-03-01": said(100_000, "RUB", "USD", date=date(2022, 3, 1)),
}
for name, value in seen.items():
    print(f"{name}: {value}")
euros, of_2022, of_today, back, dollars, dollars_of_2022 = seen.values()
as_seen = euros == of_2022 == 853.24 and dollars == dollars_of_2022
as_seen = as_seen and all(str(one).startswith("RateNotFoundError") for one in (of_today, back))
raise SystemExit(0 if as_seen and newest == date(2026, 10, 30) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/limit.py"
