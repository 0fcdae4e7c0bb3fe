#!/usr/bin/env bash
# autogen 0.14.1 (pyautogen 0.9.0 does the same), Python 3.11; run on 2026-11-29.
#
# `a_initiate_chats` takes chats that name others as `prerequisites`; those whose prerequisites are
# finished are meant to run side by side. Two pairs here: slow, then what follows it; quick, then what
# follows it. The pairs have nothing to do with each other.
# Expected: what follows the quick chat begins as soon as the quick chat has ended.
# What happens: chats are started one by one in an order that fits the prerequisites, and the loop that
# starts them waits there for the prerequisites of the chat at hand. So every chat later in the order
# waits for that one as well. What follows the quick chat begins after the slow chat; if the slow
# chat raises, it is never begun, although all it needed is done.
# Who is hurt: whoever runs branches of work in parallel, of which one may take long, for example
# because it waits for a person: branches that need nobody stand still with it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "autogen[openai]==0.14.1"
cat >"$folder/branches.py" <<'PYTHON'
import asyncio

from autogen import Agent, ConversableAgent
from autogen.agentchat.chat import a_initiate_chats

said = []


def agent(name, seconds):
    made = ConversableAgent(name, llm_config=False, human_input_mode="NEVER")

    async def reply(_agent, messages, sender, config):
        said.append(f"{name} begins")
        await asyncio.sleep(seconds)
        said.append(f"{name} ends")
        return True, "done"

    made.register_reply([Agent, None], reply, position=0)
    return made


def chat(number, name, seconds, *after):
    asks = ConversableAgent(f"asks {name}", llm_config=False, human_input_mode="NEVER")
    return {
        "chat_id": number, "sender": asks, "recipient": agent(name, seconds), "message": "go",
        "max_turns": 1, "silent": True, "summary_method": "last_msg", "prerequisites": list(after),
    }


queue = [chat(1, "slow", 1.0), chat(2, "quick", 0.05)]
queue += [chat(3, "after slow", 0.05, 1), chat(4, "after quick", 0.05, 2)]
asyncio.run(a_initiate_chats(queue))
print(*said, sep="\n")
waited = said.index("after quick begins") > said.index("slow ends") > said.index("quick ends")
print("what follows the quick chat began after the slow one:", waited)
raise SystemExit(0 if waited else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/branches.py" 2>/dev/null
