#!/usr/bin/env bash
# email-reply-parser 0.5.12, Python 3.11; run on 2026-11-30.
#
# A person answers a question by mail. The first line says yes, and below it, after an empty line, are the conditions, each
# with a dash in front and no space, as people type on a telephone: "-not before Friday". The program takes the new text
# of the mail with parse_reply().
# Expected: the whole text, as nothing of it is quoted and nothing is a signature ("-- " on a line of its own).
# What happens: a block at the end of the mail whose first line begins with a dash and a letter or digit, with two dashes or
# underscores, or with "Sent from my", is a signature, however long it is; one that begins with "From:" or "To:" is the
# header of a quoted mail. Both are left out, and what remains is "Approved." With a space after the dash, or without the
# empty line before it, it is all there.
# Who is hurt: approvals by mail. A yes with conditions is read, stored and carried out as a plain yes, and the text that
# was kept shows nothing else.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "email-reply-parser==0.5.12"
cat >"$folder/read.py" <<'PYTHON'
from email_reply_parser import EmailReplyParser

lost = (
    "Approved.\n\n-not before Friday\n",
    "Approved.\n\n-500 of it only\n-the rest not before Ann has seen it\n",
    "Approved.\n\nFrom: January on, not earlier\n",
)
kept = ("Approved.\n\n- not before Friday\n", "Approved.\n-not before Friday\n")
seen = []
for text in lost + kept:
    read = EmailReplyParser.parse_reply(text)
    seen.append(read == "Approved.")
    print(f"written {text!r}, read {read!r}")
raise SystemExit(0 if seen == [True] * len(lost) + [False] * len(kept) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/read.py"
