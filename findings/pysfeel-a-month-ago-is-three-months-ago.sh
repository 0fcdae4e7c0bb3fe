#!/usr/bin/env bash
# pySFeel 1.4.2 (what pyDMNrules decides with), Python 3.11; run on 2026-12-01.
#
# A rule of DMN asks how many whole months lie between two days: years and months duration(from, to). A contract began on
# 15 March, and the invoice is of 20 January: the way back is less than two months.
# Expected: minus 1, as from 20 January to 15 March there is 1 whole month, and turning both round turns the sign.
# What happens: minus 3. Where the way goes back and the last month of it is not full, there are two too many: from 15 February
# 2027 to 20 January 2026 it is minus 14 for minus 12, and from 1 February to 31 January, one day, minus 2. Where only the
# days beyond the months are left over, as from 20 March back to 15 January, it is right.
# Who is hurt: rules about how long ago something was. On the first of a month, what happened yesterday is two months old.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pySFeel==1.4.2"
cat >"$folder/months.py" <<'PYTHON'
import pySFeel

described = {
    ("2026-01-20", "2026-03-15"): 1,
    ("2026-03-15", "2026-01-20"): -3,
    ("2027-02-15", "2026-01-20"): -14,
    ("2026-02-01", "2026-01-31"): -2,
    ("2026-01-15", "2026-03-20"): 2,
    ("2026-03-20", "2026-01-15"): -2,
}
parser = pySFeel.SFeelParser()
seen = {}
for first, second in described:
    status, months = parser.sFeelParse(f'years and months duration(date("{first}"), date("{second}"))')
    assert not status, status
    seen[first, second] = months
    print(f"from {first} to {second}: {months} months")
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/months.py"
