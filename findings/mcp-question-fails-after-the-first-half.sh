#!/usr/bin/env bash
# mcp 2.1.1 (Python SDK of the Model Context Protocol), Python 3.11; run on 2026-11-30.
#
# A tool of an MCP server books something and then asks the person at the other end with `Context.elicit`, the
# documented way. The client has an elicitation callback, so it can ask people. Both ends are this one SDK, and
# neither asks for a protocol version.
# Expected: the person is asked, or the connection says at its start that this server cannot ask this client.
# What happens: client and server agree on 2026-07-28, in which a server cannot call its client. Nothing says so
# until the tool comes to its question: there it ends with an error about a missing back-channel, after its
# first half has run, although the callback is there. With the version before (mode="legacy") the same two
# programs work. The error reaches the client as a protocol error, not as a result of the tool that a model
# would read.
# Who is hurt: tools with a person in the loop. An update of the client turns each of them into one that does
# its first half and never asks; whoever tries again, does the first half again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "mcp==2.1.1"
cat >"$folder/server.py" <<'PYTHON'
from pydantic import BaseModel

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("payments")
booked = []


class Answer(BaseModel):
    approve: bool


@server.tool()
async def pay(amount: int, ctx: Context) -> str:
    booked.append(amount)
    answer = await ctx.elicit(f"Send {amount}?", Answer)
    return answer.action


@server.tool()
def bookings() -> int:
    return len(booked)


server.run()
PYTHON
cat >"$folder/client.py" <<'PYTHON'
import asyncio
import sys

from mcp import Client, MCPError, StdioServerParameters
from mcp.types import ElicitResult

asked = []


async def person(_context, params):
    asked.append(params.message)
    return ElicitResult(action="accept", content={"approve": True})


async def run(server, **mode):
    program = StdioServerParameters(command=sys.executable, args=[server])
    asked.clear()
    async with Client(program, elicitation_callback=person, **mode) as client:
        try:
            said = (await client.call_tool("pay", {"amount": 5})).content[0].text
        except MCPError as exc:
            said = f"MCPError: {exc}"
        booked = (await client.call_tool("bookings", {})).content[0].text
        return client.protocol_version, said, len(asked), booked


async def main(server):
    before = await run(server, mode="legacy")
    now = await run(server)
    for version, said, questions, booked in (before, now):
        print(f"{version}: {said}; people asked: {questions}; booked: {booked}")
    as_seen = before == ("2025-11-25", "accept", 1, "1") and (
        now[0] == "2026-07-28" and "back-channel" in now[1] and now[2:] == (0, "1")
    )
    return 0 if as_seen else 1


raise SystemExit(asyncio.run(main(sys.argv[1])))
PYTHON
"$folder/venv/bin/python" "$folder/client.py" "$folder/server.py" 2>/dev/null
