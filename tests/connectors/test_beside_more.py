"""Everyday refusals, other terms and other currencies beside an approval; and everyday assent."""

from __future__ import annotations

import pytest

from approvals.errors import InvalidError
from tests.connectors.test_beside import SYSTEMS, approving

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


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("comment", REFUSALS + LESS + OTHER_VALUES + CORRECTIONS)
def test_it_is_no_plain_yes(system: str, comment: str) -> None:
    with pytest.raises(InvalidError):
        approving(system, comment)


@pytest.mark.parametrize("comment", HARMLESS)
def test_it_is_a_plain_yes(comment: str) -> None:
    assert approving("jira", comment) is None
