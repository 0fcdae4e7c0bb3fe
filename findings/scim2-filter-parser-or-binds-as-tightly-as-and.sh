#!/usr/bin/env bash
# scim2-filter-parser 0.7.0 (sly 0.5), Python 3.11; run on 2026-12-01.
#
# A server of SCIM looks up who may approve, with a filter from the directory: everybody whose title is Director, and of the
# team leads those of one department, `title eq "Director" or title eq "Lead" and department eq "Finance"`.
# Expected: RFC 7644, section 3.4.2.2: "and" goes before "or", as in SQL. The docstring of the parser quotes this rule.
# What happens: both have the same precedence and are taken from left to right. The SQL has parentheses around the "or":
# directors of other departments are not found. The other way round, `department eq "Finance" and title eq "Lead" or title
# eq "Director"`, it is right, so that the same people are found or not, by the order in which the filter was written.
# Who is hurt: provisioning and look-ups with more than one kind of condition. People are left out of a list of approvers,
# or kept in one that they should have left, and no error says so. Parentheses in the filter help.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "scim2-filter-parser==0.7.0" "sly==0.5"
cat >"$folder/people.py" <<'PYTHON'
import sqlite3

from scim2_filter_parser.queries import SQLQuery

columns = {("userName", None, None): "name", ("title", None, None): "title"}
columns[("department", None, None)] = "department"
there = sqlite3.connect(":memory:")
there.execute("create table people (name text, title text, department text)")
people = [("ann", "Director", "Sales"), ("bo", "Lead", "Finance"), ("cy", "Lead", "Sales")]
there.executemany("insert into people values (?, ?, ?)", people)


def found(text):
    query = SQLQuery(text, "people", columns)
    where = query.where_sql.format(**{key: f":{key}" for key in query.params_dict})
    rows = there.execute(f"select name from people where {where} order by name", query.params_dict)
    names = [name for (name,) in rows]
    print(f"{text}\n    {where}\n    finds {names}")
    return names


director, lead, finance = 'title eq "Director"', 'title eq "Lead"', 'department eq "Finance"'
seen = [found(f"{director} or {lead} and {finance}"), found(f"{finance} and {lead} or {director}")]
seen.append(found(f"{director} or ({lead} and {finance})"))
raise SystemExit(0 if seen == [["bo"], ["ann", "bo"], ["ann", "bo"]] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/people.py"
