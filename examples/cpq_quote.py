"""A quote of several lines is released after a person has read each line as the CPQ prices it.

The agent says what is offered; what it costs is the CPQ's to say, by rules of its own (volume,
floors). People approve its figures and the version of the quote: if a price changes before the
release, they are asked again. A released quote can be withdrawn for two days, if nobody has changed
it since.
"""

# No `from __future__ import annotations` here: AutoGen 0.14 evaluates annotations that are strings
# in a module of its own, so that the model would not be shown what the arguments mean.

from datetime import date
from typing import Annotated, Any

import autogen
from autogen import AssistantAgent
from pydantic import BaseModel, ConfigDict

from countersign import (
    ApprovalProxy,
    Chat,
    NothingHappenedError,
    PreconditionFailedError,
    Undo,
    WorkflowContext,
    current_execution,
    workflow,
)
from countersign.examples.back_office import as_json
from countersign.examples.vendors.cpq import Cpq

QUOTER = """You are the CPQ quoter. Look up the quotes of the customer that the task names with
find_quotes. Then propose release_lines with all lines of the draft: quantities and discounts as the
task says, the others as they are, and until when the offer stands. You never compute a price: the
CPQ does. A sales manager decides on it. Every answer is JSON: status executed or
executed_with_changes (use arguments_used, they are what really ran), or not_executed with a cause.
After cause rejected follow the feedback once with a revised call; cause precondition is the CPQ's
own no: revise once as it says; otherwise leave it.
Finish with one or two plain sentences: what was released at which net total, or why it was not."""

UNDO = Undo(
    "withdraw_quote",
    {"quote_id": "args.quote_id", "why": "'undone by a person'"},
    expects={"version": "result.version"},
    within_s=2 * 24 * 3600,
)


class Line(BaseModel):
    """One line of a quote."""

    model_config = ConfigDict(extra="forbid")

    sku: str
    quantity: int
    discount_percent: float


def _is_last_word(message: dict[str, Any]) -> bool:
    """Text without calls: the quoter has finished."""
    return not (message.get("tool_calls") or message.get("function_call"))


@workflow(
    "cpq_quote",
    version="1",
    title="CPQ quote",
    triggers=("cpq",),
    example="CPQ: release Contoso with 8 % off the seats, valid until 2026-12-31",
)
def cpq_quote(context: WorkflowContext) -> Chat:
    """Build the two-agent chat."""
    cpq = Cpq.from_settings(context.settings)

    async def find_quotes(
        account: Annotated[str, "The customer's name or a part of it"],
    ) -> str:
        return as_json({"quotes": await cpq.quotes(account)})

    async def release_lines(
        quote_id: Annotated[str, "The quote, e.g. Q-7001"],
        lines: Annotated[list[Line], "All lines of the quote"],
        valid_until: Annotated[str, "How long the offer stands, YYYY-MM-DD"],
    ) -> str:
        offered = [line.model_dump() for line in lines]
        changes = {"lines": offered, "valid_until": valid_until, "status": "released"}
        return _told(await cpq.change(quote_id, changes, _version(), current_execution().token))

    async def withdraw_quote(
        quote_id: Annotated[str, "The quote, e.g. Q-7001"],
        why: Annotated[str, "Why it does not stand any more"],
    ) -> str:
        changes = {"status": "draft"}
        return _told(await cpq.change(quote_id, changes, _version(), current_execution().token))

    async def priced(arguments: dict[str, Any]) -> dict[str, Any]:
        quote = await _read(cpq, arguments["quote_id"])
        if quote["status"] != "draft":
            raise PreconditionFailedError(f"{quote['id']} is {quote['status']}, not a draft.")
        try:
            date.fromisoformat(arguments["valid_until"])
        except ValueError:
            said = f"{arguments['valid_until']!r} is no date: write YYYY-MM-DD."
            raise PreconditionFailedError(said) from None
        try:
            found = await cpq.calculate(quote["id"], arguments["lines"])
        except NothingHappenedError as error:
            raise PreconditionFailedError(str(error)) from error
        totals = found["totals"]
        return {
            "customer": f"{quote['account']}, {quote['title']}",
            "net_total": f"{quote['currency']} {totals['net']:,.2f}",
            "off_the_list_percent": totals["discount_percent"],
            "version": quote["version"],
        }

    async def line_by_line(arguments: dict[str, Any]) -> list[dict[str, str]]:
        was = {line["sku"]: line for line in (await cpq.quote(arguments["quote_id"]))["lines"]}
        found = await cpq.calculate(arguments["quote_id"], arguments["lines"])
        rows = [_row(line, was.pop(line["sku"], None)) for line in found["lines"]]
        return rows + [_row(None, line) for line in was.values()]

    async def released_now(arguments: dict[str, Any]) -> dict[str, Any]:
        quote = await _read(cpq, arguments["quote_id"])
        if quote["status"] != "released":
            raise PreconditionFailedError(f"{quote['id']} is {quote['status']}, not released.")
        return {"customer": f"{quote['account']}, {quote['title']}", "version": quote["version"]}

    gatekeeper = ApprovalProxy(
        "gatekeeper",
        human_input_mode="NEVER",
        idempotent={"find_quotes"},
        checks={"release_lines": priced, "withdraw_quote": released_now},
        previews={"release_lines": line_by_line},
        undo={"release_lines": UNDO},
        is_termination_msg=_is_last_word,
    )
    gatekeeper.register_for_execution(name="withdraw_quote")(withdraw_quote)
    quoter = AssistantAgent("cpq_quoter", system_message=QUOTER, llm_config=context.llm_config)
    for tool, description in (
        (find_quotes, "Find the quotes of a customer, with their lines."),
        (release_lines, "Set the lines of a draft quote, and release it to the customer."),
    ):
        autogen.register_function(
            tool, caller=quoter, executor=gatekeeper, name=tool.__name__, description=description
        )
    return Chat(starter=gatekeeper, recipient=quoter)


def _version() -> int:
    """The version that people approved. Raises NothingHappenedError where nobody was asked."""
    facts = current_execution().facts
    if facts is None:
        raise NothingHappenedError("No version was approved. Nothing was changed.")
    return int(facts["version"])


async def _read(cpq: Cpq, quote_id: str) -> dict[str, Any]:
    try:
        return await cpq.quote(quote_id)
    except NothingHappenedError as error:
        raise PreconditionFailedError(str(error)) from error


def _told(quote: dict[str, Any]) -> str:
    names = ("id", "account", "status", "currency", "totals", "valid_until", "version")
    return as_json({name: quote[name] for name in names})


def _row(line: dict[str, Any] | None, was: dict[str, Any] | None) -> dict[str, str]:
    """One line, and what it was."""
    named = line or was or {}
    return {
        "Product": str(named.get("name")),
        "Offered": "taken out" if line is None else _offered(line),
        "Net now": "not quoted" if was is None else f"{was['net']:,.2f}",
        "Net after": "nothing" if line is None else f"{line['net']:,.2f}",
    }


def _offered(line: dict[str, Any]) -> str:
    off = [f"less {line[kind]:g} % {word}" for kind, word in _KINDS if line[kind]]
    return ", ".join([f"{line['quantity']} x {line['list_price']:,.2f}", *off])


_KINDS = (("volume_percent", "for volume"), ("discount_percent", "discount"))
