"""Everyday refusals, other terms and other currencies beside an approval; and everyday assent."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import InvalidError
from tests.connectors.comments.test_beside import SYSTEMS, approving

REFUSALS = [
    "Nein",
    "Nope",
    "Nah",
    "I disagree",
    "Disagreed",
    "I object",
    "objection",
    "veto",
    "abort",
    "Abbrechen",
    "revert",
    "Roll it back",
    "unapproved",
    "misclick",
    "das war ein Versehen",
    "Legal is against it",
    "Jein",
]
LESS = [
    "Partially approved",
    "teilweise genehmigt",
    "partiellement approuvé",
    "Aprobado parcialmente",
    "Approved in principle",
    "grundsätzlich genehmigt",
    "en principe oui",
    "Approved with reservations",
    "avec réserve",
    "con reservas",
]
OTHER_VALUES = [
    "$25080",
    "£25080",
    "25080 $",
    "25080 dollars",
    "25080 Franken",
    "Approved in US dollars",
    "Freigegeben in Dollar",
    "Aprobado en dólares",
    "Approved for a month",
    "Genehmigt, eine Woche reicht",
    "Validé pour un mois",
    "a third of it",
    "Approved, net of VAT",
    "Genehmigt, netto",
    "mit MwSt",
    "TTC",
    "Approved with a discount",
    "apply the loyalty rebate",
    "Freigabe mit Skonto",
    "Rabatt rausnehmen",
    "Genehmigt zum alten Preis",
    "Ok for last year's price",
    "with the previous terms",
    "OK at list price",
]
CORRECTIONS = [
    "typo in the name",
    "Tippfehler",
    "faute de frappe",
    "mauvais client",
    "zu teuer",
    "Trop cher",
    "überarbeiten",
    "nachbessern",
    "revoir le prix",
    "négocier",
    "negociar",
    "postpone",
    "verschieben",
    "posponer",
    "delay",
    "tonight",
    "heute Abend",
    "ce soir",
    "starting June",
    "ab Juni",
    "en enero",
    "next quarter",
    "in Raten",
    "in installments",
    "en plazos",
    "monthly",
    "to my account",
    "Send it to Adele",
    "via PayPal",
    "see email",
    "Siehe Mail",
    "New figures in the mail",
    "Upgrade to premium",
    "get a better price",
]
HARMLESS = [
    "No changes needed",
    "Keine Änderungen",
    "Sin cambios",
    "Sans modification",
    "Approved without changes",
    ":+1:",
    "+1 from me",
    "Ja, bitte",
    "Please run",
    "Let's go",
    "Proceed, please",
    "Status: approved",
    "Decision: approved",
    "No further comments",
    "Très bien, merci",
    "Pas d'objection de ma part",
    "You may proceed",
    "comme proposé",
]

UNKNOWN = [
    "fraud",
    "Betrug",
    "over budget",
    "Already paid",
    "illegal",
    "Halt",
    "Bedenken",
    "I have concerns",
    "escalate to CFO",
    "Miriam decides",
    "Approved at cost",
    "Charge it to marketing",
    "EOD",
    "TBD",
    "to be discussed",
    "Tom dazu",
    "Legal is checking",
    "bad idea",
]
SAID = [
    "Approved.\n\nSent from my iPhone",
    "Mit freundlichen Grüßen",
    "Kind regards,\nSam",
    "@Sam all good",
    "Within my authority",
    "Finance ok",
    "Looks good, ship it",
    "Va bene",
    "De mi parte ok",
    "RAS",
    "Roger that",
    "Quote approved as discussed in the meeting",
    "Thanks for the quick turnaround",
]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("comment", REFUSALS + UNKNOWN + LESS + OTHER_VALUES + CORRECTIONS)
def test_it_is_no_plain_yes(system: str, comment: str) -> None:
    with pytest.raises(InvalidError):
        approving(system, comment)


@pytest.mark.parametrize("comment", HARMLESS + SAID)
def test_it_is_a_plain_yes(comment: str) -> None:
    assert approving("jira", comment) is None


SYMBOLS = [
    "👎",
    "ok 👎",
    "👎🏽",
    "❌",
    "⛔",
    "🚫",
    "🛑",
    "✋",
    "⏸",
    ":-(",
    ":(",
    "(x)",
    "(-)",
    "(n)",
    "(!) ok",
    ":thumbsdown:",
    ":x:",
    ":no_entry:",
    "X",
    "N",
    "¿",
    "≠",
]
JIRA = [
    "{panel:title=Make it 27000 EUR}Approved{panel}",
    "{panel:title=Changes requested}\nok\n{panel}",
    "{note:title=Only 27000}ok{note}",
    "{expand:title=amount 27000}ok{expand}",
    "{code:title=amount: 27000}ok{code}",
    "ok {date}",
    {
        "type": "doc",
        "version": 1,
        "content": [
            {
                "type": "paragraph",
                "content": [
                    {"type": "emoji", "attrs": {"shortName": ":thumbsdown:", "text": "👎"}}
                ],
            }
        ],
    },
]
SERVICENOW = [
    "[code]<head>make it 27000</head>ok[/code]",
    "[code]<title>27000 only</title>ok[/code]",
    "@[Make it 27000] ok",
    "ok @[x](only 27000)",
    "[code]<span style='text-decoration:line-through'>approved</span>[/code]",
    "[code]<input value='27000'>ok[/code]",
]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("comment", SYMBOLS)
def test_a_sign_that_is_no_assent_is_no_yes(system: str, comment: str) -> None:
    with pytest.raises(InvalidError):
        approving(system, comment)


@pytest.mark.parametrize(
    "comment", ["👍", "ok 👍🏽", "✅", "✔️ done", "🎉 :)", ":thumbsup:", "(y)", "(/)", "thanks 🙏"]
)
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_sign_of_assent_is_a_yes(system: str, comment: str) -> None:
    assert approving(system, comment) is None


@pytest.mark.parametrize("comment", JIRA, ids=range(len(JIRA)))
def test_what_jira_shows_is_read(comment: Any) -> None:
    with pytest.raises(InvalidError):
        approving("jira", comment)


@pytest.mark.parametrize("comment", SERVICENOW)
def test_what_servicenow_shows_is_read(comment: str) -> None:
    with pytest.raises(InvalidError):
        approving("servicenow", comment)


@pytest.mark.parametrize("typed", ["27.000", "27.000 EUR", "1.000", "25.080"])
def test_a_number_that_may_be_two_is_asked_again(typed: str) -> None:
    with pytest.raises(InvalidError, match="may be"):
        approving("jira", f"Changes:\namount: {typed}")


@pytest.mark.parametrize("typed", ["27000", "27.5", "0.125", "27000.000"])
def test_a_number_that_is_one_is_read(typed: str) -> None:
    changed = approving("jira", f"Changes:\namount: {typed}")

    assert changed is not None
    assert float(typed) == changed["amount"]


@pytest.mark.parametrize(
    "line",
    [
        "customer_id: CUST-2, amount: 27000",
        "customer_id: CUST-2; valid_days = 14",
        "customer_id: CUST-2 instead of CUST-1001",
        "customer_id: CUST-2 only if legal agrees",
        "customer_id: not CUST-1001",
        "customer_id: ?",
        "customer_id: -",
        "customer_id: unchanged\namount: 27000",
        "customer_id: wie gehabt\namount: 27000",
    ],
)
@pytest.mark.parametrize("system", SYSTEMS)
def test_words_do_not_become_a_value(system: str, line: str) -> None:
    with pytest.raises(InvalidError):
        approving(system, f"Changes:\n{line}")
