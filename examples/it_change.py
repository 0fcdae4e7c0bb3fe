"""An IT change from a sentence to the provisioned resource; the IT manager signs in between.

The planner reads the catalogue and has its plan checked against the policy, the provisioner
proposes it, the gatekeeper runs the tools. `provision` and `change_firewall` wait for a person.
What the policy forbids is answered with the reason and what would be allowed, and asks nobody.
When provisioning fails, the provisioner proposes an alternative, or hands over to the on-call.
"""

# No `from __future__ import annotations` here: AutoGen 0.14 evaluates annotations that are strings
# in a module of its own, so that the model would not be shown what the arguments mean.

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import autogen
from autogen import Agent, AssistantAgent, GroupChat, GroupChatManager

from countersign import (
    ApprovalProxy,
    Chat,
    WorkflowContext,
    current_execution,
    workflow,
)
from countersign.examples import it_policy
from countersign.examples.back_office import Provisioning, as_json
from countersign.examples.it_changes import NewResource, OpenPort
from countersign.examples.it_rules import limits

PLANNER = """You are the IT change planner. Turn the task into ONE change: a new resource
(provision) or an open port (change_firewall). Call lookup_catalog once with the kind of thing;
its answer has prices, regions, what exists already, and the policy. Then work out every argument
of the change and call check_policy with them.
- What the task does not say: the usual size, the first region that the policy allows, environment
  dev (a laptop: office), owner_team it, window now (production: the first maintenance window).
- The environment and owner_team of an open port are those of its target.
- monthly_cost_eur = size x eur_per_unit_month. rollback: how the change is undone, in a sentence.
The check's answer has allowed, reasons, and alternative (null if there is none). If only the name,
unit, cost, window, environment or owner_team of an open port were wrong, and the task did not ask
for them, check the alternative once. Never give up what the task asks for to please the policy.
Finish with a few lines for the provisioner: the plan as it was checked; or why the policy forbids
it and what it would allow instead; or what in the task is unclear."""

PROVISIONER = """You are the provisioner. If the policy allows the plan, propose exactly the checked
arguments with provision or change_firewall; an IT manager decides. If it does not, propose
nothing: tell the requester the reasons and the compliant alternative, and stop.
The answer to a proposal is JSON:
- status executed or executed_with_changes: done. What ran is in arguments_used if it was changed.
- cause rejected: follow the feedback ONCE: check_policy with revised arguments, then propose them.
  Rejected again, told to stop, or the feedback is against the policy: stop.
- status failed: nothing was changed. If the error says what would work (another region, less, a
  name that is free), check_policy with that alternative and propose it as a new call. If the
  system was unavailable, propose the same once more. If there is no alternative, or it failed
  again, call open_incident so that the on-call takes over. If the IT policy or the approved cost
  was the reason, stop.
- anything else (expired, denied_by_policy, in_doubt, shadow): do not propose it again.
Finish with one or two plain sentences: what was really provisioned, with its name, size, region and
cost, or that nothing was and why, and the number of an incident. Never claim what was not
executed."""

MAX_ROUND = 40

Tool = Callable[..., Awaitable[str]]
Environment = Annotated[str, "dev, staging or production; office for a laptop"]
Team = Annotated[str, "The team that owns it, one word in small letters, e.g. billing"]
Window = Annotated[str, "now, or one of the maintenance windows"]
Rollback = Annotated[str, "How the change is undone"]


def next_speaker(last: Agent, chat: GroupChat) -> Agent | None:
    """Calls go to the gatekeeper, their results back to the caller; the provisioner's word ends it.

    Reads only the messages, so that a chat resumed in another process goes on as it would have.
    """
    message = chat.messages[-1]
    if message.get("tool_calls") or message.get("function_call"):
        return chat.agent_by_name("gatekeeper")
    if message.get("role") in ("tool", "function"):
        for earlier in reversed(chat.messages):
            if earlier.get("tool_calls") or earlier.get("function_call"):
                return chat.agent_by_name(str(earlier["name"]))
    if last.name == "provisioner":
        return None
    return chat.agent_by_name("provisioner" if last.name == "planner" else "planner")


@workflow(
    "it_change",
    version="1",
    title="IT change",
    triggers=(
        "staging database",
        "database",
        "laptop",
        "virtual machine",
        "gpu",
        "open port",
        "firewall",
        "provision",
    ),
    example="new staging database for the billing team, 200 GB",
)
def it_change(context: WorkflowContext) -> Chat:
    """Build the group chat."""
    system = Provisioning.from_settings(context.settings)
    lookup_catalog, check_policy = _reading(system)
    provision, change_firewall, open_incident = _changing(system)
    gatekeeper = ApprovalProxy(
        "gatekeeper", human_input_mode="NEVER", idempotent={"lookup_catalog", "check_policy"}
    )
    planner = AssistantAgent("planner", system_message=PLANNER, llm_config=context.llm_config)
    provisioner = AssistantAgent(
        "provisioner", system_message=PROVISIONER, llm_config=context.llm_config
    )
    for caller, tool, description in (
        (planner, lookup_catalog, "Prices, regions, existing resources and the policy for a kind."),
        (planner, check_policy, "Check a change against the IT policy before it is proposed."),
        (provisioner, provision, "Provision a new resource after the IT manager's approval."),
        (provisioner, change_firewall, "Open a port after the IT manager's approval."),
        (provisioner, open_incident, "Hand over to the on-call, who takes it from there."),
    ):
        autogen.register_function(
            tool, caller=caller, executor=gatekeeper, name=tool.__name__, description=description
        )
    # It is executed already; the provisioner may ask, too.
    provisioner.register_for_llm(
        name="check_policy", description="Check a revised change against the IT policy."
    )(check_policy)
    chat = GroupChat(
        agents=[gatekeeper, planner, provisioner],
        messages=[],
        max_round=MAX_ROUND,
        speaker_selection_method=next_speaker,
    )
    return Chat(starter=gatekeeper, recipient=GroupChatManager(chat, llm_config=False))


def _reading(system: Provisioning) -> tuple[Tool, Tool]:
    """The tools that change nothing."""

    async def lookup_catalog(
        kind: Annotated[str, "database, virtual_machine, gpu_node, laptop or firewall"],
    ) -> str:
        everything = await system.resources()
        found = [one for one in everything if kind in ("firewall", one["kind"])]
        offers = [] if kind == "firewall" else await system.offers(kind)
        return as_json({"offers": offers, "resources": found, "policy": limits(kind)})

    async def check_policy(
        tool: Annotated[str, "provision or change_firewall"],
        arguments: Annotated[dict[str, Any], "Every argument of the call, without a rationale"],
    ) -> str:
        reasons, alternative = await it_policy.check(system, tool, arguments)
        verdict = {"allowed": not reasons, "reasons": reasons, "alternative": alternative}
        return as_json(verdict)

    return lookup_catalog, check_policy


def _changing(system: Provisioning) -> tuple[Tool, Tool, Tool]:
    """The tools that change something, the first two after approval."""

    async def provision(
        kind: Annotated[str, "database, virtual_machine, gpu_node or laptop"],
        name: Annotated[str, "What it is called, e.g. billing-stg-db"],
        environment: Environment,
        size: Annotated[int, "How much, in the unit"],
        unit: Annotated[str, "GB, vCPU, GPU or piece"],
        region: Annotated[str, "Where, e.g. eu-central"],
        owner_team: Team,
        monthly_cost_eur: Annotated[float, "What it costs a month at most, in EUR"],
        window: Window,
        rollback: Rollback,
    ) -> str:
        change = NewResource(
            kind=kind,
            name=name,
            environment=environment,
            size=size,
            unit=unit,
            region=region,
            owner_team=owner_team,
            monthly_cost_eur=monthly_cost_eur,
            window=window,
            rollback=rollback,
        )
        return await _make(system, "/resources", change)

    async def change_firewall(
        source: Annotated[str, "Who may connect: a resource, or a network such as 10.1.2.0/24"],
        target: Annotated[str, "The resource whose port is opened"],
        port: Annotated[int, "The port, 1 to 65535"],
        protocol: Annotated[str, "tcp or udp"],
        environment: Environment,
        owner_team: Team,
        window: Window,
        rollback: Rollback,
    ) -> str:
        change = OpenPort(
            source=source,
            target=target,
            port=port,
            protocol=protocol,
            environment=environment,
            owner_team=owner_team,
            window=window,
            rollback=rollback,
        )
        return await _make(system, "/firewall-rules", change)

    async def open_incident(
        summary: Annotated[str, "What could not be done, one line of at most 200 characters"],
        details: Annotated[str, "The plan, what was tried and what came back"],
    ) -> str:
        body = {"summary": summary, "details": details}
        return as_json(await system.add("/incidents", body, current_execution().token))

    return provision, change_firewall, open_incident


async def _make(system: Provisioning, path: str, change: NewResource | OpenPort) -> str:
    """Make an approved change, once for its execution token."""
    await it_policy.require(system, change)
    return as_json(await system.add(path, change.model_dump(), current_execution().token))
