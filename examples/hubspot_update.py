"""A deal in HubSpot is changed after a person has read what each property says now and would say,
and only if nobody has changed the deal since.

HubSpot has no conditional writes. So the version is compared right before the change, and the
history is read right after it: if somebody was quicker by milliseconds, the agents are told what
was written over. For a week people can have the change undone, unless the deal has changed since.
"""

# No `from __future__ import annotations` here: AutoGen 0.14 evaluates annotations that are strings
# in a module of its own, so that the model would not be shown what the arguments mean.

from datetime import date
from typing import Annotated, Any

import autogen
from autogen import AssistantAgent

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
from countersign.examples.vendors.hubspot import Account, Deal

ASSISTANT = """You are the HubSpot assistant. Look up the deals of the customer that the task names
with find_deals. Then propose change_deal with the new stage, amount and close date (keep what the
task does not change; a stage is one of `stages`, letter by letter). An account executive decides on
it. Every answer is JSON: status executed or executed_with_changes (use arguments_used, they are
what really ran), or not_executed with a cause. After cause rejected follow the feedback once with a
revised call; after status failed look the deal up and propose the call once more; otherwise leave
it. If the result has written_over, say so: somebody had changed that at the same moment.
Finish with one or two plain sentences that say what was changed and what was not."""

UNDO = Undo(
    "change_deal",
    {
        "deal_id": "args.deal_id",
        "stage": "result.before.stage",
        "amount": "result.before.amount",
        "close_date": "result.before.close_date",
    },
    expects={"last_changed": "result.last_changed"},
    within_s=7 * 24 * 3600,
)


def _is_last_word(message: dict[str, Any]) -> bool:
    """Text without calls: the assistant has finished."""
    return not (message.get("tool_calls") or message.get("function_call"))


@workflow(
    "hubspot_update",
    version="1",
    title="HubSpot update",
    triggers=("hubspot",),
    example="HubSpot: move Contoso to Contract Sent, 26,000 EUR, closing 2026-12-30",
)
def hubspot_update(context: WorkflowContext) -> Chat:
    """Build the two-agent chat."""
    account = Account.from_settings(context.settings)

    def find_deals(customer: Annotated[str, "The customer, or the beginning of its name"]) -> str:
        found, pipelines = account.deals(customer), account.pipelines()
        stages = [label for each in found for label in pipelines[each.pipeline].values()]
        return as_json(
            {"deals": [_told(each) for each in found], "stages": list(dict.fromkeys(stages))}
        )

    def change_deal(
        deal_id: Annotated[str, "The deal's id, e.g. 18240012041"],
        stage: Annotated[str, "The stage, as HubSpot shows it"],
        amount: Annotated[float, "The amount in the deal's currency"],
        close_date: Annotated[str, "When it is expected to close, YYYY-MM-DD"],
    ) -> str:
        execution = current_execution()
        if execution.facts is None:  # the policy lets it run without people, so without a check
            raise NothingHappenedError("No version was approved. Nothing was changed.")
        was = account.deal(deal_id)
        ids = {label: key for key, label in account.pipelines()[was.pipeline].items()}
        changes = _changes(was, stage, amount, close_date)
        version = str(execution.facts["last_changed"])
        written = {
            _PROPERTIES[name]: ids[value] if name == "stage" else _written(value)
            for name, value in changes.items()
        }
        now, over = account.change(deal_id, written, version, execution.token)
        told = {**_told(now), "before": _told(was)}
        return as_json(told | ({"written_over": over} if over else {}))

    def record_now(arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            found = account.deal(arguments["deal_id"])
            stages = account.pipelines()[found.pipeline]
        except NothingHappenedError as error:
            raise PreconditionFailedError(str(error)) from error
        _possible(found, list(stages.values()), arguments)
        return {"deal": found.name, "last_changed": found.last_changed}

    def difference(arguments: dict[str, Any]) -> list[dict[str, str]]:
        found = account.deal(arguments["deal_id"])
        changes = _changes(found, arguments["stage"], arguments["amount"], arguments["close_date"])
        return [
            {
                "Property": _LABELS[name],
                "Now": _shown(getattr(found, name)),
                "After": _shown(value),
            }
            for name, value in changes.items()
        ]

    gatekeeper = ApprovalProxy(
        "gatekeeper",
        human_input_mode="NEVER",
        idempotent={"find_deals"},
        checks={"change_deal": record_now},
        previews={"change_deal": difference},
        undo={"change_deal": UNDO},
        is_termination_msg=_is_last_word,
    )
    assistant = AssistantAgent(
        "hubspot_assistant", system_message=ASSISTANT, llm_config=context.llm_config
    )
    for tool, description in (
        (find_deals, "Find the deals of a customer in HubSpot."),
        (change_deal, "Change stage, amount and close date of a deal."),
    ):
        autogen.register_function(
            tool, caller=assistant, executor=gatekeeper, name=tool.__name__, description=description
        )
    return Chat(starter=gatekeeper, recipient=assistant)


_PROPERTIES = {"stage": "dealstage", "amount": "amount", "close_date": "closedate"}
_LABELS = {"stage": "Deal Stage", "amount": "Amount", "close_date": "Close Date"}


def _possible(found: Deal, stages: list[str], arguments: dict[str, Any]) -> None:
    """Raises PreconditionFailedError for a change that HubSpot would refuse, or that is none."""
    if arguments["stage"] not in stages:
        known = ", ".join(stages)
        raise PreconditionFailedError(
            f"{arguments['stage']!r} is no stage here. There are: {known}."
        )
    try:
        date.fromisoformat(arguments["close_date"])
    except ValueError:
        said = f"{arguments['close_date']!r} is no date: write YYYY-MM-DD."
        raise PreconditionFailedError(said) from None
    if not _changes(found, arguments["stage"], arguments["amount"], arguments["close_date"]):
        raise PreconditionFailedError("The deal says all of that already.")


def _changes(found: Deal, stage: str, amount: float, close_date: str) -> dict[str, Any]:
    """What would say something else."""
    wanted = {"stage": stage, "amount": amount, "close_date": close_date}
    return {name: value for name, value in wanted.items() if value != getattr(found, name)}


def _told(one: Deal) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "stage": one.stage,
        "amount": one.amount,
        "close_date": one.close_date,
        "last_changed": one.last_changed,
    }


def _written(value: Any) -> str:
    """As HubSpot takes it: 26000, not 26000.0."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    return f"{value:,.2f}".removesuffix(".00") if isinstance(value, float | int) else str(value)
