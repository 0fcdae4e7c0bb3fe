"""A workflow whose agents may propose plans."""

from __future__ import annotations

import autogen
from autogen import AssistantAgent

from countersign import ApprovalProxy, Chat, WorkflowContext, workflow

PAID: list[tuple[str, float]] = []
"""What was really paid, by any chat of this process."""


@workflow(
    "planned_payments",
    version="1",
    title="Payments",
    triggers=("settle",),
    example="settle INV-7 and INV-8",
)
def planned_payments(context: WorkflowContext) -> Chat:
    """Invoices are paid, by a plan."""

    def pay_invoice(invoice: str, amount: float) -> str:
        PAID.append((invoice, amount))
        return f"{amount:.2f} EUR paid for {invoice}."

    gatekeeper = ApprovalProxy(
        "gatekeeper",
        human_input_mode="NEVER",
        is_termination_msg=lambda message: not message.get("tool_calls"),
        plans=True,
    )
    clerk = AssistantAgent("clerk", "You are clerk", llm_config=context.llm_config)
    autogen.register_function(
        pay_invoice, caller=clerk, executor=gatekeeper, name="pay_invoice", description="Pay."
    )
    return Chat(starter=gatekeeper, recipient=clerk)
