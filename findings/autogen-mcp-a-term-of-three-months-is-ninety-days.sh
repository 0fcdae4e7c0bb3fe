#!/usr/bin/env bash
# autogen-ext 0.7.5 with mcp 1.30.0 and pydantic 2.14.4, Python 3.11; run on 2026-12-01.
#
# A tool of an MCP server extends a contract by a term: {"type": "string", "format": "duration"}, as JSON Schema has it. An
# agent of AutoGen calls it with {"term": "P3M"}, three months, and that is what the chat, its log and an approval show.
# Expected: the server gets "P3M": it is a text, and valid.
# What happens: it gets "P90D". AutoGen makes a model of the schema, where a duration is a number of days and seconds, and sends
# what the model has: a month is 30 days, "P1Y6M" is "P1Y180D". From 1 December, three months end on 1 March, and ninety days
# on the same day; from 1 March they are over on 30 May. The server cannot see that something else was asked for.
# Who is hurt: whoever has approved three months. Notices, terms and intervals of months become days on the way to the tool, and
# are right where a test says days or hours.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "autogen-ext[mcp]==0.7.5" "mcp==1.30.0" "pydantic==2.14.4"
cat >"$folder/term.py" <<'PYTHON'
import asyncio
from typing import Any

import mcp.types as types
from autogen_core import CancellationToken
from autogen_ext.tools.mcp import StdioMcpToolAdapter, StdioServerParams
from mcp.server.lowlevel import Server
from mcp.shared.memory import create_connected_server_and_client_session as connected

TERM = {"type": "object", "properties": {"term": {"type": "string", "format": "duration"}}, "required": ["term"]}
server: Server[Any, Any] = Server("contracts")
got: list[str] = []


@server.list_tools()
async def tools() -> list[types.Tool]:
    return [types.Tool(name="extend", description="Extend a contract.", inputSchema=TERM)]


@server.call_tool()
async def call(name: str, arguments: dict[str, Any]) -> list[types.TextContent]:
    got.append(arguments["term"])
    return [types.TextContent(type="text", text="extended")]


async def main() -> None:
    described = {"P3M": "P90D", "P1M": "P30D", "P1Y6M": "P1Y180D", "P14D": "P14D"}
    async with connected(server) as session:
        (tool,) = (await session.list_tools()).tools
        extend = StdioMcpToolAdapter(StdioServerParams(command="in memory"), tool, session=session)
        for term in described:
            await extend.run_json({"term": term}, CancellationToken())
            print(f"called with {term}, the server got {got[-1]}")
    raise SystemExit(0 if got == list(described.values()) else 1)


asyncio.run(main())
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/term.py"
