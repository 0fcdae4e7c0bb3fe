"""An opportunity in Salesforce is changed after a person has read what each field says now and
would say, and only if nobody has changed the record since.

The client is the vendor community's own, `simple-salesforce`, and blocks; so the tools and checks
are plain functions, which the gate runs in threads. For a week people can have the change undone,
unless the record has changed since.
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
from countersign.examples.vendors.salesforce import Opportunity, Org

ASSISTANT = """You are the Salesforce assistant. Look up the opportunities of the account that the
task names with find_opportunities. Then propose change_opportunity with the new stage, amount and
close date (keep what the task does not change; a stage is one of `stages`, letter by letter). An
account executive decides on it. Every answer is JSON: status executed or executed_with_changes (use
arguments_used, they are what really ran), or not_executed with a cause. After cause rejected follow
the feedback once with a revised call; after status failed look the opportunity up and propose the
call once more; otherwise leave it.
Finish with one or two plain sentences that say what was changed and what was not."""

UNDO = Undo(
    "change_opportunity",
    {
        "opportunity_id": "args.opportunity_id",
        "stage": "result.before.stage",
        "amount": "result.before.amount",
        "close_date": "result.before.close_date",
    },
    expects={"now": "result.now", "last_changed": "result.last_changed"},
    within_s=7 * 24 * 3600,
)


def _is_last_word(message: dict[str, Any]) -> bool:
    """Text without calls: the assistant has finished."""
    return not (message.get("tool_calls") or message.get("function_call"))


@workflow(
    "salesforce_update",
    version="1",
    title="Salesforce update",
    triggers=("salesforce",),
    example="Salesforce: move Contoso to Negotiation/Review, 26,000 EUR, closing 2026-12-30",
)
def salesforce_update(context: WorkflowContext) -> Chat:
    """Build the two-agent chat."""
    org = Org.from_settings(context.settings)

    def find_opportunities(
        account: Annotated[str, "The account's name or a part of it"],
    ) -> str:
        found = [_told(each) for each in org.opportunities(account)]
        return as_json({"opportunities": found, "stages": list(org.stages())})

    def change_opportunity(
        opportunity_id: Annotated[str, "The opportunity's id, e.g. 006Hs00001Xc2041IA"],
        stage: Annotated[str, "The stage, as Salesforce writes it"],
        amount: Annotated[float, "The amount in the currency of the org"],
        close_date: Annotated[str, "When it is expected to close, YYYY-MM-DD"],
    ) -> str:
        execution = current_execution()
        if execution.facts is None:  # the policy lets it run without people, so without a check
            raise NothingHappenedError("No version was approved. Nothing was changed.")
        was = org.opportunity(opportunity_id)
        changes = _changes(was, stage, amount, close_date)
        version = str(execution.facts["last_changed"])
        now = org.change(opportunity_id, changes, version, execution.token)
        return as_json({**_told(now), "before": _told(was)})

    def record_now(arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            found = org.opportunity(arguments["opportunity_id"])
            stages = org.stages()
        except NothingHappenedError as error:
            raise PreconditionFailedError(str(error)) from error
        _possible(found, stages, arguments)
        return {
            "opportunity": found.name,
            "account": found.account,
            "now": _in_short(found),
            "last_changed": found.last_changed,
            "last_changed_by": found.changed_by,
        }

    def difference(arguments: dict[str, Any]) -> list[dict[str, str]]:
        found, labels = org.opportunity(arguments["opportunity_id"]), org.labels()
        changes = _changes(found, arguments["stage"], arguments["amount"], arguments["close_date"])
        rows = [
            {"Field": labels[name], "Now": _shown(found.fields[name]), "After": _shown(value)}
            for name, value in changes.items()
        ]
        if "StageName" in changes:
            # Salesforce sets it with the stage.
            follows = org.stages().get(changes["StageName"])
            if follows is not None and follows != found.probability:
                rows.append(
                    {
                        "Field": labels["Probability"],
                        "Now": _shown(found.probability),
                        "After": f"{_shown(follows)} (with the stage)",
                    }
                )
        return rows

    gatekeeper = ApprovalProxy(
        "gatekeeper",
        human_input_mode="NEVER",
        idempotent={"find_opportunities"},
        checks={"change_opportunity": record_now},
        previews={"change_opportunity": difference},
        undo={"change_opportunity": UNDO},
        is_termination_msg=_is_last_word,
    )
    assistant = AssistantAgent(
        "salesforce_assistant", system_message=ASSISTANT, llm_config=context.llm_config
    )
    for tool, description in (
        (find_opportunities, "Find the opportunities of an account in Salesforce."),
        (change_opportunity, "Change stage, amount and close date of an opportunity."),
    ):
        autogen.register_function(
            tool, caller=assistant, executor=gatekeeper, name=tool.__name__, description=description
        )
    return Chat(starter=gatekeeper, recipient=assistant)


def _possible(found: Opportunity, stages: dict[str, float], arguments: dict[str, Any]) -> None:
    """Raises PreconditionFailedError for a change that Salesforce would refuse, or that is none."""
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
        raise PreconditionFailedError("The opportunity says all of that already.")


def _changes(found: Opportunity, stage: str, amount: float, close_date: str) -> dict[str, Any]:
    """The fields that would say something else, by the names of Salesforce."""
    wanted = {"StageName": stage, "Amount": amount, "CloseDate": close_date}
    return {name: value for name, value in wanted.items() if value != found.fields[name]}


def _told(one: Opportunity) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "account": one.account,
        "stage": one.stage,
        "amount": one.amount,
        "close_date": one.close_date,
        "probability": one.probability,
        "now": _in_short(one),
        "last_changed": one.last_changed,
    }


def _in_short(one: Opportunity) -> str:
    """Its fields: two changes within a second have one time, and Salesforce keeps no fractions."""
    return f"{one.stage}, {_shown(one.amount)}, closing {one.close_date}"


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    return f"{value:,.2f}".removesuffix(".00") if isinstance(value, float | int) else str(value)
