"""Vote input: what a person hands in, whether it can be meant like that, and its vote."""

from __future__ import annotations

from datetime import datetime

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.errors import InvalidError, StaleDigestError
from countersign.approvals.models import (
    Actor,
    Checked,
    Effective,
    JsonObject,
    People,
    Principal,
    Proof,
    Request,
    RequestId,
    RequestKind,
    Terms,
    Value,
    Verdict,
    Vote,
)
from countersign.approvals.rules.authority import by_duty
from countersign.approvals.rules.eligibility import Asked, counts_also

MAX_COMMENT = 4_000


class VoteInput(Value):
    """What a person hands in: a verdict on the revision whose digest they saw."""

    request_id: RequestId
    verdict: Verdict
    digest: str
    arguments: JsonObject | None = None
    effective: Effective | None = None
    """What the tool would receive for `arguments`; None where it is not known here."""
    checked: Checked = Checked()
    """What its check and preview say of that."""
    comment: str = ""
    stage: int | None = None
    """The stage that was asked; None for whichever is open."""
    proof: Proof | None = None
    """That the person is there."""
    grant: Terms | None = None
    """A yes to later calls that are alike as well."""
    foreseen: str | None = None
    """The digest of the edit whose consequences they have been shown, "" for none: an edit that
    needs other people counts only if they have seen that. None: they do not ask for that."""


def require_shown(given: VoteInput, request: Request) -> None:
    """Raise StaleDigestError for a vote on something else than the request says and asks today."""
    if given.digest != request.digest:
        raise StaleDigestError(
            f"Request {request.id} is at revision {request.revision} with another digest now. "
            "Look at it again and decide what it says today."
        )
    if given.stage not in (None, request.step):
        raise StaleDigestError(
            f"Request {request.id} is at step {request.step + 1} now; you were asked about "
            "another one. Look at it again."
        )


def require_form(given: VoteInput, request: Request) -> None:
    """Raise InvalidError for a vote that cannot be meant like that."""
    if len(given.comment) > MAX_COMMENT:
        raise InvalidError(f"The comment is longer than {MAX_COMMENT} characters; shorten it.")
    if given.grant is not None and given.verdict is Verdict.REJECT:
        raise InvalidError("A grant goes with an approval; nothing was decided.")
    if request.kind is RequestKind.INPUT:
        if given.verdict is Verdict.MODIFY:
            raise InvalidError("A question has no arguments to change; answer it instead.")
        return
    if given.verdict is Verdict.REJECT and not given.comment.strip():
        raise InvalidError("Say why you reject this: the agents adapt to your reason.")
    require_comment(given, request)
    if given.verdict is Verdict.MODIFY and given.arguments is None:
        raise InvalidError("Give the changed arguments.")
    if given.verdict is not Verdict.MODIFY and given.arguments is not None:
        raise InvalidError("Arguments can only be changed with the verdict modify.")


def require_comment(given: VoteInput, request: Request) -> None:
    """Raise InvalidError for an approval without the comment that its stage asks for."""
    if given.verdict is Verdict.REJECT or given.comment.strip():
        return
    if any(request.stages[number].comment_required for number in request.open_stages):
        raise InvalidError("Say why you approve this: its rule asks for a comment.")


def is_edit(given: VoteInput, request: Request) -> bool:
    """Whether it changes the arguments: by their digest, for `==` True is 1."""
    if given.verdict is not Verdict.MODIFY:
        return False
    edited = given.arguments if given.effective is None else given.effective.arguments
    return canonical_json(edited) != canonical_json(request.arguments)


def vote_of(
    given: VoteInput,
    ask: Asked,
    actor: Actor,
    principal: Principal,
    giver: Principal | None,
    number: int,
    now: datetime,
    revision: int,
) -> Vote:
    """The vote, under both names where somebody else is stood in for."""
    is_yes = given.verdict is not Verdict.REJECT
    named = principal.name if giver is None else f"{principal.name} for {giver.name}"
    return Vote.made(
        request_id=given.request_id,
        revision=revision,
        principal_id=principal.id,
        name=named,
        on_behalf_of="" if giver is None else giver.id,
        stage=number,
        verdict=Verdict.APPROVE if is_yes else Verdict.REJECT,
        via=actor.via,
        identity=actor.identity,
        at=now,
        comment=given.comment.strip(),
        also=counts_also(ask, giver or principal, number) if is_yes else (),
        proof=given.proof if is_yes else None,
    )


def left_out(vote: Vote) -> set[str]:
    """What an entry does not say of a vote, or under other names."""
    out = {"request_id", "at", "principal_id", "proof"}
    return out if vote.on_behalf_of else {*out, "on_behalf_of"}


def vote_entry(people: People, request: Request, vote: Vote) -> tuple[str, JsonObject]:
    """What the ledger says of the vote."""
    body: JsonObject = {
        **vote.model_dump(mode="json", exclude=left_out(vote)),
        **({} if vote.proof is None else {"proof": vote.proof.model_dump(mode="json")}),
        **by_duty(people, request, vote),
        "request": request.id,
        "by": vote.principal_id,
        "digest": request.digest,
    }
    return "voted", body
