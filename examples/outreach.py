"""Letters to customers about one thing: a person reads each before it goes out, to one address, and
nobody gets two on one day.

That is a budget of the policy, counted by address. Whoever has unsubscribed, bounced or complained
is not even asked about: SendGrid would take such a mail and drop it without a word.
"""

# No `from __future__ import annotations` here: AutoGen 0.14 evaluates annotations that are strings
# in a module of its own, so that the model would not be shown what the arguments mean.

from typing import Annotated, Any

import autogen
from autogen import AssistantAgent

from countersign import (
    ApprovalProxy,
    Chat,
    NothingHappenedError,
    PreconditionFailedError,
    WorkflowContext,
    current_execution,
    workflow,
)
from countersign.examples.back_office import Crm, as_json
from countersign.examples.uses import written
from countersign.examples.vendors.sendgrid import ADDRESS, Mailer

WRITER = """You are the outreach writer. The task names customers and what to write about. Look each
customer up with lookup_customer, all in one message. Then propose in ONE message a send_outreach
for each contact, with a letter of its own: short, friendly, about that customer. A campaign lead
decides on each of them. Every answer is JSON: status executed or executed_with_changes (use
arguments_used, they are what really ran), or not_executed with a cause. After cause rejected follow
the feedback once with a revised call; after status failed propose the call once more; otherwise
leave it: cause precondition is somebody who does not want mail, cause budget somebody who has got
one already.
Finish with one or two plain sentences that say who was written to and who was not, and why."""


def _is_last_word(message: dict[str, Any]) -> bool:
    """Text without calls: the writer has finished."""
    return not (message.get("tool_calls") or message.get("function_call"))


def as_written(arguments: dict[str, Any]) -> None:
    """One address, in small letters, under which it is counted; a subject of one line.

    Validators of the annotations would be the place; AutoGen 0.14 drops them where there is a
    description. Raises PreconditionFailedError.
    """
    to = arguments["to"]
    if ADDRESS.fullmatch(to) is None or to != to.lower():
        said = f"{to!r} is not one address in small letters: write name@example.com."
        raise PreconditionFailedError(said)
    for name in ("subject", "campaign"):
        if len(arguments[name].splitlines()) != 1:
            raise PreconditionFailedError(f"The {name} is one line, please.")


@workflow(
    "outreach",
    version="1",
    title="Outreach",
    triggers=("outreach",),
    example="outreach to Contoso, Northwind and Fabrikam: webinar on 2026-12-10",
)
def outreach(context: WorkflowContext) -> Chat:
    """Build the two-agent chat."""
    crm, mailer = Crm.from_settings(context.settings), Mailer.from_settings(context.settings)

    async def lookup_customer(name: Annotated[str, "The customer's name or a part of it"]) -> str:
        return as_json({"customers": await crm.customers(name)})

    def send_outreach(
        to: Annotated[str, "The address"],
        subject: Annotated[str, "The subject, one line"],
        letter: Annotated[str, "The letter as plain text"],
        campaign: Annotated[str, "What it is about, e.g. webinar"],
    ) -> str:
        given = {"to": to, "subject": subject, "campaign": campaign}
        try:
            as_written(given)
        except PreconditionFailedError as error:  # where the policy asks nobody, nothing is checked
            raise NothingHappenedError(f"{error} Nothing was sent.") from error
        taken = mailer.send(to, subject, letter, campaign, current_execution().token)
        return as_json({"accepted": to, "message_id": taken.message_id})

    def wanted(arguments: dict[str, Any]) -> dict[str, Any]:
        as_written(arguments)
        written(arguments, "letter")
        try:
            why_not = mailer.unwanted(arguments["to"])
        except NothingHappenedError as error:
            raise PreconditionFailedError(str(error)) from error
        if why_not is not None:
            raise PreconditionFailedError(f"{arguments['to']} {why_not}.")
        return {"unsubscribed": False, "bounced_or_complained": False}

    def as_it_arrives(arguments: dict[str, Any]) -> str:
        head = f"From: {mailer.sender}\nTo: {arguments['to']}\nSubject: {arguments['subject']}"
        return f"{head}\n\n{arguments['letter']}"

    gatekeeper = ApprovalProxy(
        "gatekeeper",
        human_input_mode="NEVER",
        idempotent={"lookup_customer"},
        checks={"send_outreach": wanted},
        previews={"send_outreach": as_it_arrives},
        is_termination_msg=_is_last_word,
    )
    writer = AssistantAgent("outreach_writer", system_message=WRITER, llm_config=context.llm_config)
    for tool, description in (
        (lookup_customer, "Find customers with their contacts."),
        (send_outreach, "Send a letter to one person."),
    ):
        autogen.register_function(
            tool, caller=writer, executor=gatekeeper, name=tool.__name__, description=description
        )
    return Chat(starter=gatekeeper, recipient=writer)
