#!/usr/bin/env bash
# Babel 2.19.0, Python 3.11; run on 2026-12-01.
#
# A form shows a time in the way of its reader, format_time(time, "short", locale=…), and reads it again with parse_time, for
# the same locale.
# Expected: what was written is read; or a ParseError, which the function has.
# What happens: half past three in the afternoon is read as 03:30 for Korean, Chinese in Taiwan and Hong Kong, Arabic, Greek,
# English in Canada and Spanish in Mexico and Colombia, all as Babel has written it. The afternoon is looked for with the two
# letters "pm", whatever the locale says; "p.m." with its dots is not found either. For English elsewhere it is right.
# Who is hurt: whoever answers in one of these languages. A payment, a call or the end of a wait comes twelve hours early, and
# all mornings are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "Babel==2.19.0"
cat >"$folder/time.py" <<'PYTHON'
from datetime import time

from babel.dates import format_time, parse_time

afternoon, night, morning = time(15, 30), time(3, 30), time(9, 15)
described = dict.fromkeys(["ko", "zh_TW", "zh_HK", "ar", "el", "en_CA", "es_MX", "es_CO"], night)
described |= dict.fromkeys(["en_US", "en_AU", "hi", "de"], afternoon)
seen = {}
for locale in described:
    written = format_time(afternoon, "short", locale=locale)
    seen[locale] = parse_time(written, locale=locale, format="short")
    assert parse_time(format_time(morning, "short", locale=locale), locale=locale, format="short") == morning
    print(f"{locale}: {afternoon:%H:%M} is written {written!a} and read as {seen[locale]:%H:%M}")
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/time.py"
