"""What the tools of contract_redline know of a contract before they touch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from countersign import PreconditionFailedError
from countersign.examples.back_office import BackOfficeError
from countersign.examples.contract_systems import Clm, Draft, Signer, opened
from countersign.examples.redline_words import marked
from countersign.examples.redlining import Clause, Contract
from countersign.examples.uses import written

MOST_OF_A_FACT = 1_900
READY_TO_SIGN = "Sign"


@dataclass(frozen=True)
class Desk:
    """Contracts of one CLM, in which `us` is the account that uploads what we change."""

    clm: Clm
    us: str

    async def shown(self, contract: dict[str, Any]) -> dict[str, Any]:
        """A contract as agents read it."""
        draft = await self.clm.draft(contract["id"])
        clauses = await opened(draft.data, Contract.clauses)
        return {
            "contract_id": contract["id"],
            "title": contract["title"],
            "counterparty": contract["attributes"]["counterpartyName"],
            "step": contract["step"],
            "version": await self.base(contract["id"]),
            "document_version": draft.version,
            "clauses": [_clause(each) for each in clauses],
        }

    async def base(self, contract_id: str) -> int:
        """The version that our redlines are about: the newest that is not ours."""
        return await self.clm.theirs(contract_id, self.us) or 1

    async def same(self, contract_id: str, version: int) -> Draft:
        """The newest document. Raises BackOfficeError if the other side has sent one since."""
        base = await self.base(contract_id)
        if base != version:
            raise BackOfficeError(
                f"{contract_id}: this was written for version {version}, and version {base} has "
                "come since. It must be read again. Nothing was changed."
            )
        return await self.clm.draft(contract_id)

    async def clause_now(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The facts on which the redline of a clause rests. Raises PreconditionFailedError.

        Not the newest version of all: the redlines of one message are written one after the other,
        each as a version of its own.
        """
        written(arguments, "new_text")
        number = arguments["clause"]
        try:
            draft = await self.same(arguments["contract_id"], arguments["version"])
            clause = await opened(draft.data, lambda contract: contract.clause(number))
        except BackOfficeError as error:
            raise PreconditionFailedError(str(error)) from error
        if clause.text != arguments["current_text"]:
            raise PreconditionFailedError(
                f"Clause {number} says something else: \u201c{clause.text}\u201d"
            )
        # Nothing that an edit of the new text would change: people would be asked once more.
        return {
            "version_of_the_other_side": arguments["version"],
            "as_they_marked_it": marked(clause.before, clause.text)[:MOST_OF_A_FACT],
        }

    async def agreed(self, contract_id: str, version: int) -> tuple[Draft, list[Signer]]:
        """A document that can be signed, and by whom. Raises BackOfficeError if it cannot."""
        contract = await self.clm.contract(contract_id)
        if contract["step"] != READY_TO_SIGN:
            raise BackOfficeError(
                f"{contract_id} is in the step {contract['step']}, not {READY_TO_SIGN}. Nothing "
                "was sent."
            )
        draft = await self.clm.draft(contract_id)
        if draft.version != version:
            raise BackOfficeError(
                f"Version {draft.version} of {contract_id} is the newest, not {version}. Nothing "
                "was sent."
            )
        clauses = await opened(draft.data, Contract.clauses)
        open_ones = [each.number for each in clauses if each.changes]
        if open_ones:
            raise BackOfficeError(
                f"{contract_id} has tracked changes in {', '.join(open_ones)}: agree on them and "
                "accept them first. Nothing was sent."
            )
        signers = [
            Signer(each["name"], each["email"]) for each in contract["attributes"]["signers"]
        ]
        if not signers:
            raise BackOfficeError(f"Nobody is named to sign {contract_id}. Nothing was sent.")
        return draft, signers


def redlined(number: str, current: str, wanted: str, author: str) -> Callable[[Contract], bytes]:
    """Makes the change in a document, and the file of it."""

    def change(contract: Contract) -> bytes:
        contract.redline(number, current, wanted, author=author, at=datetime.now(UTC))
        return contract.as_bytes()

    return change


def _clause(clause: Clause) -> dict[str, Any]:
    shown: dict[str, Any] = {"number": clause.number, "text": clause.text}
    if clause.changes:
        shown["before"] = clause.before
        shown["changes"] = [
            {"kind": each.kind, "text": each.text, "by": each.author, "at": each.at}
            for each in clause.changes
        ]
    return shown
