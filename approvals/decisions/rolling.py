"""Rolling: where the rules of a tool stand when a call of it is proposed, and the draw of a sample.

What is found is kept with the request, so every later ruling on it is the same. The draw is made
with a key that only the server has: nobody who reads the database can say which call is drawn next.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from sqlalchemy import Connection

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.models import JsonObject, Phase, Request, ToolCall
from countersign.approvals.rules.entries import Entry
from countersign.approvals.rules.policies import Policies
from countersign.approvals.rules.rollout.adversarial import tried
from countersign.approvals.rules.rollout.evidence import (
    Evidence,
    Observation,
    evidence,
    observed,
)
from countersign.approvals.rules.rollout.phases import stands_at
from countersign.approvals.rules.rollout.terms import meaning_of, terms_of
from countersign.approvals.store import codec
from countersign.approvals.store import rollouts as rollout_rows


class Rolling:
    """Reads; each method belongs into a transaction or a read."""

    def __init__(self, policies: Policies, key: bytes | None = None):
        """Without `key` no call is left out of a sample: people are asked of each."""
        self._policies, self._key = policies, key

    def look(self, connection: Connection, call: ToolCall, workflow: str | None) -> JsonObject:
        """Where the rules that come by phases stand for a call."""
        rules = {
            entry.id: self._stands(connection, entry, tool, call)
            for tool, entry in self._entries(call, workflow)
        }
        found: JsonObject = {"rules": rules}
        if rollout_rows.refused_by_people(connection, call.session_id, call.tool):
            found["refused"] = True  # whoever was refused does not get past by trying again
        return found

    def again(
        self, connection: Connection, request: Request, call: ToolCall, workflow: str | None
    ) -> JsonObject:
        """`look` for a request that was proposed before: what was drawn then stands."""
        found = self.look(connection, call, workflow)
        before = ((request.seen or {}).get("rollout") or {}).get("rules", {})
        for rule_id, known in found["rules"].items():
            drawn = before.get(rule_id, {})
            known.update({name: drawn[name] for name in ("asked", "draw") if name in drawn})
        return found

    def evidence_of(self, connection: Connection, entry: Entry, tool: str) -> Evidence:
        """What speaks for another phase of a rule for a tool."""
        return self.observations(connection, entry, tool)[0]

    def observations(
        self, connection: Connection, entry: Entry, tool: str
    ) -> tuple[Evidence, list[Observation]]:
        """`evidence_of`, with each of its calls."""
        rule, standing = entry.rule, rollout_rows.standing(connection, entry.id, tool)
        phase, meaning = stands_at(rule, entry.id, standing), meaning_of(rule, entry.id)
        holds = standing is not None and standing.meaning == meaning
        since = standing.since if standing is not None and holds else None
        calls = rollout_rows.proposed(
            connection, entry.id, tool, "" if since is None else codec.to_text(since)
        )
        about = (entry.id, meaning, phase, rule.tolerances)
        found = [each for each in (observed(call, *about) for call in calls) if each is not None]
        terms = terms_of(rule, entry.id)
        policy = self._policies.current
        examples = tried(policy, entry, tool, policy.document.examples)
        known = evidence(entry.id, tool, meaning, terms, phase, since, found, examples)
        return known, found

    def _entries(self, call: ToolCall, workflow: str | None) -> Iterator[tuple[str, Entry]]:
        policy = self._policies.current
        for tool in policy.names_of(call.tool):
            for entry in policy.book.lane(workflow, tool):
                if entry.rule.rollout is not None:
                    yield tool, entry

    def _stands(
        self, connection: Connection, entry: Entry, tool: str, call: ToolCall
    ) -> JsonObject:
        known = self.evidence_of(connection, entry, tool)
        found: JsonObject = {
            "meaning": known.meaning,
            "phase": known.phase.value,
            "compared": known.compared,
            "needed": known.needed,
            "next": None if known.next is None else known.next.value,
        }
        if known.phase is Phase.SAMPLED:
            found |= self._drawn(call, terms_of(entry.rule, entry.id).one_in)
        return found

    def _drawn(self, call: ToolCall, one_in: int) -> JsonObject:
        """Whether people are asked of a call of a sample, and by which number: the ledger tells."""
        if self._key is None:
            return {"asked": True, "one_in": one_in, "draw": None}
        said = [call.session_id, call.call_id, call.tool, call.arguments]
        number = hmac.digest(self._key, canonical_json({"call": said}), "sha256")[:8]
        asked = int.from_bytes(number, "big") % one_in == 0
        return {"asked": asked, "one_in": one_in, "draw": number.hex()}
