#!/usr/bin/env bash
# google-adk 2.13.0 (google-genai 2.34.0), Python 3.11; run on 2026-11-30.
#
# An agent wants to call `pay`, which needs a confirmation. While nobody has answered, the user writes one more
# sentence, "never write to Bo", and the model reads it. Then the call is confirmed, and the model goes on.
# Expected: it goes on with everything that was said; at least with what the user said last.
# What happens: the request to the model that follows the confirmation ends with the call and its result. What was
# written between them, by the user and by the model, is left out of this one request: the model goes on, and may
# call more tools, as if the sentence had never been said. With the user's next message all of it is there again,
# so that neither the stored session nor a later look at the chat shows that it was missing. It is so with a
# resumable app and with one that is not.
# Who is hurt: whoever has second thoughts while an approval is pending, which is when people have them. The longer
# an approval takes, the more is said meanwhile, and the less of it counts.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "google-adk==2.13.0" "google-genai==2.34.0"
cat >"$folder/pay.py" <<'PYTHON'
import asyncio
import warnings

warnings.filterwarnings("ignore")
from google.adk.agents import LlmAgent
from google.adk.apps import App, ResumabilityConfig
from google.adk.models import BaseLlm, LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools import FunctionTool
from google.genai import types

CONFIRM = "adk_request_confirmation"
CALL = types.Part(function_call=types.FunctionCall(id="c1", name="pay", args={"to": "Bo"}))
paid, reads = [], []


def pay(to: str) -> dict:
    """Pay an invoice."""
    paid.append(to)
    return {"paid": to}


class Scripted(BaseLlm):
    model: str = "scripted"

    async def generate_content_async(self, llm_request, stream=False):
        parts = [part for content in llm_request.contents for part in content.parts]
        reads.append([part.text for part in parts if part.text])
        part = CALL if len(reads) == 1 else types.Part(text=f"answer {len(reads)}")
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


async def chat(resumable):
    paid.clear(), reads.clear()
    agent = LlmAgent(name="clerk", model=Scripted(), tools=[FunctionTool(pay, require_confirmation=True)])
    app = App(name="desk", root_agent=agent, resumability_config=ResumabilityConfig(is_resumable=resumable))
    runner = InMemoryRunner(app=app)
    session = await runner.session_service.create_session(app_name="desk", user_id="ann")
    asked = None

    async def say(part, invocation=None):
        nonlocal asked
        message = types.Content(role="user", parts=[part])
        events = runner.run_async(
            user_id="ann", session_id=session.id, new_message=message, invocation_id=invocation
        )
        async for event in events:
            for call in event.get_function_calls():
                if call.name == CONFIRM:
                    asked = (call.id, event.invocation_id)

    await say(types.Part(text="Pay Bo."))
    await say(types.Part(text="Whatever comes of it, never write to Bo."))
    yes = types.FunctionResponse(id=asked[0], name=CONFIRM, response={"confirmed": True})
    await say(types.Part(function_response=yes), asked[1] if resumable else None)
    await say(types.Part(text="And now?"))
    return paid, reads

wrong = False
for resumable in (False, True):
    paid, (first, meanwhile, confirmed, later) = asyncio.run(chat(resumable))
    print(f"resumable={resumable}, paid: {paid}; the model read")
    print("  meanwhile:             ", meanwhile)
    print("  after the confirmation:", confirmed)
    print("  with the next message: ", later)
    said = "Whatever comes of it, never write to Bo."
    wrong |= not (paid == ["Bo"] and said in meanwhile and said not in confirmed and said in later)
raise SystemExit("this has changed" if wrong else 0)
PYTHON
"$folder/venv/bin/python" "$folder/pay.py" 2>/dev/null
