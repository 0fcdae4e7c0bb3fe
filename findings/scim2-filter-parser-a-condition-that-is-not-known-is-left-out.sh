#!/usr/bin/env bash
# scim2-filter-parser 0.7.0 (sly 0.5), Python 3.11; run on 2026-12-01.
#
# A server of SCIM makes SQL of the filters that a directory sends, with a map of the attributes that it has. The directory
# asks for the people of one department who have left: `department eq "Finance" and active eq false`; the map has no
# "active".
# Expected: an error, which RFC 7644 has for this (invalidFilter), or nobody, as an attribute that is not there matches
# nothing.
# What happens: the condition is left out, and the rest of the filter is asked: everybody in Finance has left. If nothing
# remains, there is no WHERE, and the query finds everybody; so does `not (active eq true)`, and a name in other letters.
# RFC 7643 says that names are compared without regard to capitals, and "Active" or "ACTIVE" is what some directories send.
# Nothing is logged.
# Who is hurt: whoever acts on what is found: those who are disabled, removed from a list of approvers, or told, are too
# many.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "scim2-filter-parser==0.7.0" "sly==0.5"
cat >"$folder/leavers.py" <<'PYTHON'
from scim2_filter_parser.queries import SQLQuery

columns = {("userName", None, None): "name", ("department", None, None): "department"}
seen = []
for text in (
    'department eq "Finance" and active eq false',
    'not (active eq true)',
    'Department eq "Finance"',
    'department eq "Finance"',
):
    query = SQLQuery(text, "people", columns)
    print(f"{text}\n    {' '.join(query.sql.split())}  {query.params_dict}")
    seen.append(query.where_sql)
finance = "department = {a}"
raise SystemExit(0 if seen == [finance, None, None, finance] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/leavers.py"
