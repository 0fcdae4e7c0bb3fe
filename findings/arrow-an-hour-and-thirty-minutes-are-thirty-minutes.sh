#!/usr/bin/env bash
# arrow 1.4.0, Python 3.11; run on 2026-12-01.
#
# Somebody answers "ask me again in 1 hour and 30 minutes", and dehumanize() makes a time of it. It reads several units in one
# text: "in 2 hours and 30 minutes" is right.
# Expected: 13:30 at noon; or the ValueError that "in 1 hour" alone has.
# What happens: 12:30. A single unit is known as arrow writes it, "an hour", "a week", and not with a digit. Where that is all,
# it is refused; where something else is in the text that is known, the hour is left out without a word. "in 1 week and 2 days"
# is in 2 days, "in 1 month and 15 days" in 15, "1 year and 6 months ago" half a year ago, "in one hour and 30 minutes" 12:30.
# Who is hurt: deadlines and reminders that people or models write. The larger part is gone, and whoever has tried "1 hour" has
# seen an error and trusts that there would be one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "arrow==1.4.0"
cat >"$folder/again.py" <<'PYTHON'
import arrow

noon = arrow.get(2026, 12, 1, 12)


def then(text: str) -> str:
    try:
        return noon.dehumanize(text).format("YYYY-MM-DD HH:mm")
    except ValueError:
        return "refused"


described = {
    "in an hour and 30 minutes": "2026-12-01 13:30",
    "in 2 hours and 30 minutes": "2026-12-01 14:30",
    "in 1 hour": "refused",
    "in 1 hour and 30 minutes": "2026-12-01 12:30",
    "in one hour and 30 minutes": "2026-12-01 12:30",
    "in 1 week and 2 days": "2026-12-03 12:00",
    "in 1 month and 15 days": "2026-12-16 12:00",
    "1 year and 6 months ago": "2026-06-01 12:00",
}
seen = {text: then(text) for text in described}
for text, when in seen.items():
    print(f"{text}: {when}")
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/again.py"
