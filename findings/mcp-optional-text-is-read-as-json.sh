#!/usr/bin/env bash
# mcp 2.1.1 (Python SDK of the Model Context Protocol), Python 3.11; run on 2026-11-30.
#
# A tool of an MCP server has two text parameters, one `str`, one `str | None`. Its input schema says "string"
# for both. A client sends the same texts in both, some of which happen to be JSON: a payload to post, a list,
# the word null.
# Expected: text arrives as text, in both.
# What happens: in the parameter that may be absent the text is parsed as JSON before it is validated, and what
# is no string or number then takes its place. The word null arrives as nothing at all, without any error; a
# JSON object or list is refused as "not a valid string", which it was. The required parameter gets all of them
# as they were sent.
# Who is hurt: tools that take documents, notes or queries. What a person saw and approved at the client is not
# what the function gets, and adding "| None" to a parameter, which looks like widening it, makes it refuse texts
# that it took.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "mcp==2.1.1"
cat >"$folder/texts.py" <<'PYTHON'
import asyncio

from mcp import Client
from mcp.server.mcpserver import MCPServer

server = MCPServer("notes")
got = {}


@server.tool()
def required(note: str) -> str:
    got["required"] = note
    return "kept"


@server.tool()
def optional(note: str | None = None) -> str:
    got["optional"] = note
    return "kept"


async def main():
    seen = {}
    async with Client(server) as client:
        for text in ("hello", "null", '{"total": 5}', '["a"]'):
            for tool in ("required", "optional"):
                got[tool] = "(refused)"
                await client.call_tool(tool, {"note": text})
            seen[text] = (got["required"], got["optional"])
            print(f"{text!r}: required got {got['required']!r}, optional got {got['optional']!r}")
    as_seen = {
        "hello": ("hello", "hello"),
        "null": ("null", None),
        '{"total": 5}': ('{"total": 5}', "(refused)"),
        '["a"]': ('["a"]', "(refused)"),
    }
    return 0 if seen == as_seen else 1


raise SystemExit(asyncio.run(main()))
PYTHON
"$folder/venv/bin/python" "$folder/texts.py" 2>/dev/null
