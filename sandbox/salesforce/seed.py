"""What a fresh org has in it: its stages, its fields, and some records."""

from __future__ import annotations

from typing import Any

STAGES: dict[str, int] = {
    "Prospecting": 10,
    "Qualification": 10,
    "Needs Analysis": 20,
    "Value Proposition": 50,
    "Id. Decision Makers": 60,
    "Perception Analysis": 70,
    "Proposal/Price Quote": 75,
    "Negotiation/Review": 90,
    "Closed Won": 100,
    "Closed Lost": 0,
}
"""The stages of a new org, and the probability that comes with each. Source: "Opportunity Fields",
help.salesforce.com, and the OpportunityStage object of the object reference (read 2026-11-30)."""

TRACE_FIELD = "Countersign_Request__c"
"""A custom text field that the org of the example has: which approval a change came from."""

Field = dict[str, Any]


def _field(name: str, label: str, kind: str, *, updateable: bool = True, **more: Any) -> Field:
    return {
        "name": name,
        "label": label,
        "type": kind,
        "updateable": updateable,
        "nillable": False,
        "picklistValues": [],
        **more,
    }


def _picklist(values: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"active": True, "defaultValue": False, "label": value, "value": value} for value in values
    ]


_SYSTEM = [
    _field("Id", "Record ID", "id", updateable=False),
    _field("CreatedDate", "Created Date", "datetime", updateable=False),
    _field("LastModifiedDate", "Last Modified Date", "datetime", updateable=False),
    _field("LastModifiedById", "Last Modified By ID", "reference", updateable=False),
    _field("SystemModstamp", "System Modstamp", "datetime", updateable=False),
]
FIELDS: dict[str, list[Field]] = {
    "Account": [
        *_SYSTEM,
        _field("Name", "Account Name", "string", length=255),
        _field("Industry", "Industry", "string", nillable=True, length=255),
    ],
    "Opportunity": [
        *_SYSTEM,
        _field("AccountId", "Account ID", "reference", nillable=True),
        _field("Name", "Name", "string", length=120),
        _field("StageName", "Stage", "picklist", picklistValues=_picklist(STAGES)),
        _field("Amount", "Amount", "currency", nillable=True, precision=18, scale=2),
        _field("CloseDate", "Close Date", "date"),
        _field("Probability", "Probability (%)", "percent", nillable=True),
        _field("NextStep", "Next Step", "string", nillable=True, length=255),
        _field(TRACE_FIELD, "Approved as", "string", nillable=True, length=255),
    ],
    "OpportunityStage": [
        _field("Id", "Record ID", "id", updateable=False),
        _field("MasterLabel", "Label", "string", updateable=False),
        _field("DefaultProbability", "Probability (%)", "percent", updateable=False),
        _field("IsActive", "Is Active", "boolean", updateable=False),
        _field("SortOrder", "Sort Order", "int", updateable=False),
    ],
    "OpportunityFieldHistory": [
        _field("Id", "Record ID", "id", updateable=False),
        _field("OpportunityId", "Opportunity ID", "reference", updateable=False),
        _field("Field", "Changed Field", "picklist", updateable=False),
        _field("OldValue", "Old Value", "anyType", updateable=False),
        _field("NewValue", "New Value", "anyType", updateable=False),
        _field("CreatedDate", "Created Date", "datetime", updateable=False),
    ],
    "User": [
        _field("Id", "Record ID", "id", updateable=False),
        _field("Name", "Full Name", "string", updateable=False),
    ],
}
REFERENCES = {"AccountId": "Account", "LastModifiedById": "User"}
"""The object that a reference of each name leads to; `AccountId` is read as `Account.Name`."""

INTEGRATION_USER, MEGAN = "005Hs00000D9InteIA", "005Hs00000D9MegnIA"
_BEGAN = "2026-11-02T09:15:00.000+0000"
_ACCOUNTS = {
    "001Hs00003Kd1CoIAJ": ("Contoso Ltd", "Manufacturing"),
    "001Hs00003Kd1FaIAJ": ("Fabrikam Inc", "Retail"),
    "001Hs00003Kd1NoIAJ": ("Northwind Traders", "Wholesale"),
}
_OPPORTUNITIES = [
    ("006Hs00001Xc2041IA", "001Hs00003Kd1CoIAJ", "Insight Platform, new plant in Leipzig",
     "Qualification", 28500.0, "2026-12-18"),
    ("006Hs00001Xc2042IA", "001Hs00003Kd1FaIAJ", "Insight Platform, renewal",
     "Proposal/Price Quote", 75600.0, "2027-01-29"),
    ("006Hs00001Xc2043IA", "001Hs00003Kd1NoIAJ", "Insight Platform, pilot",
     "Qualification", 13720.0, "2026-12-04"),
]  # fmt: skip


def records() -> list[tuple[str, dict[str, Any]]]:
    """`(object, record)` of everything that is there from the start."""
    system = {
        "CreatedDate": _BEGAN,
        "LastModifiedDate": _BEGAN,
        "LastModifiedById": MEGAN,
        "SystemModstamp": _BEGAN,
    }
    found: list[tuple[str, dict[str, Any]]] = [
        ("User", {"Id": INTEGRATION_USER, "Name": "Approvals Integration"}),
        ("User", {"Id": MEGAN, "Name": "Megan Bowen"}),
    ]
    for key, (name, industry) in _ACCOUNTS.items():
        found.append(("Account", {"Id": key, "Name": name, "Industry": industry, **system}))
    for key, account, name, stage, amount, closes in _OPPORTUNITIES:
        opportunity = {
            "Id": key,
            "AccountId": account,
            "Name": name,
            "StageName": stage,
            "Amount": amount,
            "CloseDate": closes,
            "Probability": float(STAGES[stage]),
            "NextStep": None,
            TRACE_FIELD: None,
            **system,
        }
        found.append(("Opportunity", opportunity))
    for place, (label, percent) in enumerate(STAGES.items(), 1):
        stage_record = {
            "Id": f"01JHs000002t{place:02d}zMAE",
            "MasterLabel": label,
            "DefaultProbability": float(percent),
            "IsActive": True,
            "SortOrder": place,
        }
        found.append(("OpportunityStage", stage_record))
    return found
