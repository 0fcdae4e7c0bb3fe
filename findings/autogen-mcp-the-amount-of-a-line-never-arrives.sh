#!/usr/bin/env bash
# autogen-ext 0.7.5 with mcp 1.30.0 and pydantic 2.14.4, Python 3.11; run on 2026-12-01.
#
# A tool of an MCP server books lines. Its schema names what each line must have, {"account": …}, and says
# "additionalProperties": true for what depends on the account: an amount, a cost centre. An agent of AutoGen calls it with
# such a line.
# Expected: the server gets the line as it was called; without a word about it, JSON Schema allows more properties too.
# What happens: it gets {"account": "4711"}, and the rest is gone. Of an object with properties AutoGen makes a model that
# has these and no more, at any depth, and sends the model; true and nothing are read as "leave them out". An object without
# named properties goes through whole. There is no error at either end.
# Who is hurt: the approver, who saw the whole line: the call in the chat and in the log has the amount, and the booking has
# not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "autogen-ext[mcp]==0.7.5" "mcp==1.30.0" "pydantic==2.14.4"
cat >"$folder/book.py" <<'PYTHON'
import asyncio
from typing import Any

import mcp.types as types
from autogen_core import CancellationToken
from autogen_ext.tools.mcp import StdioMcpToolAdapter, StdioServerParams
from mcp.server.lowlevel import Server
from mcp.shared.memory import create_connected_server_and_client_session as connected

ACCOUNT = {"account": {"type": "string"}}
LINE = {"type": "object", "properties": ACCOUNT, "required": ["account"], "additionalProperties": True}
BOOK = {
    "type": "object",
    "properties": {
        "lines": {"type": "array", "items": LINE},
        "header": {"type": "object", "properties": ACCOUNT},
        "notes": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
server: Server[Any, Any] = Server("ledger")
got: list[dict[str, Any]] = []


@server.list_tools()
async def tools() -> list[types.Tool]:
    return [types.Tool(name="book", description="Book lines.", inputSchema=BOOK)]


@server.call_tool()
async def call(name: str, arguments: dict[str, Any]) -> list[types.TextContent]:
    got.append(arguments)
    return [types.TextContent(type="text", text="booked")]


async def main() -> None:
    calls = [
        {"lines": [{"account": "4711", "amount": 5000, "cost_centre": "A7"}]},
        {"header": {"account": "4711", "approver": "Ann"}},
        {"notes": {"approver": "Ann"}},
    ]
    described = [
        {"lines": [{"account": "4711"}]},
        {"header": {"account": "4711"}},
        {"notes": {"approver": "Ann"}},
    ]
    async with connected(server) as session:
        (tool,) = (await session.list_tools()).tools
        book = StdioMcpToolAdapter(StdioServerParams(command="in memory"), tool, session=session)
        for arguments in calls:
            await book.run_json(arguments, CancellationToken())
            print(f"called with {arguments}, the server got {got[-1]}")
    raise SystemExit(0 if got == described else 1)


asyncio.run(main())
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/book.py"
