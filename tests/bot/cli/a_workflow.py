"""The smallest workflow: one agent, and a proxy with one guarded tool."""

from __future__ import annotations

from autogen import AssistantAgent

from countersign import ApprovalProxy, Chat, WorkflowContext, workflow


@workflow("small", version="1", title="Small", triggers=("small",), example="small")
def small(context: WorkflowContext) -> Chat:
    """Pay what is asked for."""
    worker = AssistantAgent("worker", llm_config=context.llm_config)
    gatekeeper = ApprovalProxy("gatekeeper")

    @gatekeeper.register_for_execution()
    @worker.register_for_llm(description="Pay.")
    def pay(amount: int) -> str:
        return "paid"

    return Chat(starter=gatekeeper, recipient=worker)
