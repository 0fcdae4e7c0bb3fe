"""What is asked for in the demo, and what Alex does about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from countersign.approvals.models import JsonObject, Verdict

REQUESTER, APPROVER = "sam", "alex"
USES = "examples/uses.yaml"
"""The configuration of what needs the clients of CRMs and of mailers."""
DOCUMENTS = "examples/documents.yaml"
"""That of what ends in documents."""
PARALLEL = "examples/parallel.yaml"
"""That of chats side by side."""


@dataclass(frozen=True)
class Choice:
    """One decision of the approver."""

    verdict: Verdict
    comment: str = ""
    changes: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """A task, the tool whose request is decided first, and how it can be decided."""

    workflow: str
    task: str
    tool: str
    choices: dict[str, Choice]
    systems: tuple[str, ...] = ()
    """The stand-ins that it needs besides those that are always there."""
    configuration: str = "countersign.yaml"

    def choice(self, tool: str, decide: str, *, first: bool) -> Choice:
        """What to do with a request: the wish for the first of the tool, then approval."""
        if tool == self.tool and first:
            return self.choices[decide]
        return APPROVE


APPROVE = Choice(Verdict.APPROVE)

SCENARIOS = {
    "sales_quote": Scenario(
        workflow="sales_quote",
        task="quote for Contoso, 25 seats",
        tool="release_quote",
        choices={
            "approve": APPROVE,
            "reject": Choice(
                Verdict.REJECT, comment="Too much discount for 25 seats: 5 % at most, please."
            ),
            "modify": Choice(
                Verdict.MODIFY,
                comment="Rounded for a customer we want to keep.",
                changes={"amount": 27000, "discount_percent": 10},
            ),
        },
    ),
    "crm_update": Scenario(
        workflow="crm_update",
        task="move Contoso to negotiation, 26,000 EUR, closing 2026-12-30",
        tool="update_opportunity",
        choices={
            "approve": APPROVE,
            "reject": Choice(Verdict.REJECT, comment="Not yet: the stage is proposal."),
            "modify": Choice(
                Verdict.MODIFY,
                comment="Their contract is still with us.",
                changes={"stage": "proposal"},
            ),
        },
    ),
    "it_change": Scenario(
        workflow="it_change",
        task="new staging database for the billing team, 200 GB",
        tool="provision",
        choices={
            "approve": APPROVE,
            "reject": Choice(Verdict.REJECT, comment="100 GB is enough for staging."),
            "modify": Choice(
                Verdict.MODIFY,
                comment="Start smaller; it can grow.",
                changes={"size": 100, "monthly_cost_eur": 25},
            ),
        },
    ),
    "salesforce_update": Scenario(
        workflow="salesforce_update",
        task="Salesforce: move Contoso to Negotiation/Review, 26,000 EUR, closing 2026-12-30",
        tool="change_opportunity",
        choices={
            "approve": APPROVE,
            "reject": Choice(Verdict.REJECT, comment="Not yet: the stage is Proposal/Price Quote."),
            "modify": Choice(
                Verdict.MODIFY,
                comment="Rounded for a customer we want to keep.",
                changes={"amount": 25480},
            ),
        },
        systems=("salesforce",),
        configuration=USES,
    ),
    "contract_redline": Scenario(
        workflow="contract_redline",
        task="redline the Fabrikam agreement",
        tool="redline_clause",
        choices={
            "approve": APPROVE,
            "reject": Choice(Verdict.REJECT, comment="They will not sign that; our fallback."),
            "modify": Choice(
                Verdict.MODIFY,
                comment="We can live with that.",
                changes={"new_text": "Invoices are due within sixty (60) days of receipt."},
            ),
        },
        systems=("clm", "docusign"),
        configuration=DOCUMENTS,
    ),
    "financial_report": Scenario(
        workflow="financial_report",
        task="financial report for 2026-10",
        tool="sign_off_report",
        choices={
            "approve": APPROVE,
            "reject": Choice(Verdict.REJECT, comment="Say that travel was a one-off."),
            "modify": Choice(
                Verdict.MODIFY,
                comment="In my words.",
                changes={"headline": "October closed with a profit; travel was a one-off."},
            ),
        },
        systems=("erp",),
        configuration=DOCUMENTS,
    ),
    "support_reply": Scenario(
        workflow="support_reply",
        task="reply to ticket 5001",
        tool="send_reply",
        choices={
            "approve": APPROVE,
            "reject": Choice(Verdict.REJECT, comment="Shorter, and no excuses."),
            "modify": Choice(
                Verdict.MODIFY, comment="That closes it.", changes={"status": "solved"}
            ),
        },
        systems=("zendesk",),
        configuration=DOCUMENTS,
    ),
    "outreach": Scenario(
        workflow="outreach",
        task="outreach to Contoso, Northwind and Fabrikam: webinar on 2026-12-10",
        tool="send_outreach",
        choices={
            "approve": APPROVE,
            "reject": Choice(Verdict.REJECT, comment="Shorter, please."),
            "modify": Choice(
                Verdict.MODIFY,
                comment="They know each other.",
                changes={"subject": "Ana, our webinar on 2026-12-10"},
            ),
        },
        systems=("sendgrid",),
        configuration=USES,
    ),
    "hubspot_update": Scenario(
        workflow="hubspot_update",
        task="HubSpot: move Contoso to Contract Sent, 26,000 EUR, closing 2026-12-30",
        tool="change_deal",
        choices={
            "approve": APPROVE,
            "reject": Choice(Verdict.REJECT, comment="Not yet: the stage is Qualified To Buy."),
            "modify": Choice(
                Verdict.MODIFY,
                comment="Rounded for a customer we want to keep.",
                changes={"amount": 25480},
            ),
        },
        systems=("hubspot",),
        configuration=USES,
    ),
    "cpq_quote": Scenario(
        workflow="cpq_quote",
        task="CPQ: release Contoso with 8 % off the seats, valid until 2026-12-31",
        tool="release_lines",
        choices={
            "approve": APPROVE,
            "reject": Choice(Verdict.REJECT, comment="5 % at most, please."),
            "modify": Choice(
                Verdict.MODIFY,
                comment="They asked for more time.",
                changes={"valid_until": "2027-01-15"},
            ),
        },
        systems=("cpq",),
        configuration=USES,
    ),
    "renewal": Scenario(
        workflow="renewal",
        task="renew Contoso, 26,000 EUR, closing 2026-12-30",
        tool="update_opportunity",
        choices={
            "approve": APPROVE,
            "reject": Choice(Verdict.REJECT, comment="Amount should be 24,500."),
            "modify": Choice(
                Verdict.MODIFY,
                comment="They asked for more time.",
                changes={"close_date": "2027-01-15"},
            ),
        },
        configuration=PARALLEL,
    ),
}
