"""Break the lines that keep the promises, one at a time, and see that a test notices.

    .venv/bin/python scripts/mutate.py            # all of them; a table at the end
    .venv/bin/python scripts/mutate.py quorum     # those whose name contains the word

Each is broken in a copy of the checkout, so nothing here changes. Exit status 1 if one survives.
Not part of continuous integration: run it after changing one of these lines or its tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 900
NOTICED, SURVIVED = "noticed", "SURVIVED"


@dataclass(frozen=True)
class Mutation:
    """A line (its text, or as much of it as there is once), what it becomes, and who notices."""

    name: str
    file: str
    line: str
    becomes: str
    tests: str
    """Files or folders of tests, with spaces between."""


PERMIT = "agents/tools/permit.py"
CLAIMS, RULES = "approvals/decisions/claims.py", "approvals/rules"
DECISIONS, AUDIT = "tests/approvals/decisions", "tests/approvals/audit"
MUTATIONS = [
    # A tool runs only with the permit of an approved request.
    Mutation("permit: none", PERMIT, "if permit is None:\n            contexts",
             "if False:\n            contexts", "tests/agents/tools"),
    Mutation("permit: used", PERMIT, "if permit.used:", "if False:", "tests/agents/tools"),
    Mutation("permit: digest", PERMIT, "if actual != request.digest:", "if False:",
             "tests/agents/tools"),
    Mutation("permit: version of the tool", PERMIT,
             "if request.schema_version != self.parameters.version:", "if False:",
             "tests/agents/tools"),
    # Who may not read a request does not learn that there is one.
    Mutation("api: seen", "bot/api/operation.py", "if self.path.startswith(OF_REQUEST):",
             "if False:", "tests/security/test_wrong_person.py"),
    # A vote counts once, in time, of the right person, on what they saw.
    Mutation("vote: not pending", "approvals/decisions/deadlines.py",
             "if request.status is not RequestStatus.PENDING:\n            raise",
             "if False:\n            raise", f"{DECISIONS} tests/approvals/test_races.py"),
    Mutation("vote: expired", "approvals/decisions/deadlines.py",
             "if request.expires_at is None or request.expires_at > unit.now:", "if True:",
             f"{DECISIONS} tests/approvals/test_approvals.py"),
    Mutation("vote: who narrowed a plan", f"{RULES}/edited.py",
             "if call.tool == PLAN_TOOL:", "if False:", f"{DECISIONS}/test_plans.py"),
    Mutation("vote: digest", "approvals/decisions/vote_input.py",
             "if given.digest != request.digest:", "if False:", DECISIONS),
    Mutation("vote: compare and set", "approvals/decisions/replacing.py",
             "if not request_rows.replace(unit, (before, after)):\n        current",
             "if not request_rows.replace(unit, (before, after)) and False:\n        current",
             f"{DECISIONS} tests/approvals/test_races.py tests/approvals/test_approvals.py"),
    # Nothing ever runs by a test of whether people look.
    Mutation("canary: life cycle", f"{RULES}/lifecycle.py",
             " or (is_canary and target is not S.CANCELLED)", "", DECISIONS),
    Mutation("canary: claim", "approvals/decisions/claims.py",
             "if request.canary is not None:", "if False:", DECISIONS),
    Mutation("canary: hand-over", "approvals/decisions/outbox.py",
             "if request.canary is not None:", "if False:", DECISIONS),
    Mutation("vote: requester", f"{RULES}/authority.py",
             "if is_requester and request.kind is RequestKind.TOOL:\n        return",
             "if False:\n        return",
             "tests/approvals/rules/test_authority.py"),
    Mutation("vote: role", f"{RULES}/authority.py",
             "if not owns and not any(is_asked_by(principal, stage) for stage in stages):",
             "if False:",
             "tests/approvals/rules/test_authority.py"),
    Mutation("vote: twice", f"{RULES}/authority.py",
             "if any(v.principal_id == principal.id for v in votes):", "if False:",
             "tests/approvals/rules/test_authority.py"),
    Mutation("quorum", f"{RULES}/lifecycle.py",
             "if len(approvals.get(number, ())) < stage.quorum:",
             "if len(approvals.get(number, ())) < 1:", "tests/approvals/rules/test_lifecycle.py"),
    Mutation("quorum: distinct people", f"{RULES}/lifecycle.py",
             "approvals.setdefault(number, set()).add(vote.seat)",
             "approvals.setdefault(number, set()).add(str(id(vote)))",
             "tests/approvals/rules/test_lifecycle.py"),
    Mutation("rejection ends it", f"{RULES}/lifecycle.py", "if vote.verdict is Verdict.REJECT:",
             "if False:", "tests/approvals/rules/test_lifecycle.py"),
    Mutation("unknown tool", f"{RULES}/rulings.py",
             "effect=Effect.DENY, rule_id=UNKNOWN_RULE",
             "effect=Effect.ALLOW, rule_id=UNKNOWN_RULE",
             "tests/approvals/rules/test_policy.py"),
    # Nobody guesses what is private by a hash that is shown without it.
    Mutation("digest: salt", f"{RULES}/proposals.py", ' salt=call.digest_salt,', ' salt="",',
             f"{DECISIONS}/test_erasing.py"),
    Mutation("digest: its salt is private", "approvals/audit/private.py",
             '"scope", CALL, SALT,', '"scope", CALL,', f"{DECISIONS}/test_erasing.py"),
    Mutation("hash of a call is private", "approvals/audit/private.py",
             '"scope", CALL, SALT,', '"scope", SALT,', f"{DECISIONS}/test_erasing.py"),
    # A claim takes what was decided, as it was decided, and only once.
    Mutation("claim: approved", CLAIMS,
             "if not again and request.status is not RequestStatus.APPROVED:", "if False:",
             DECISIONS),
    Mutation("claim: open checkpoint", CLAIMS, "if request.checkpoint_id != last:", "if False:",
             f"{DECISIONS}/test_claims.py"),
    Mutation("claim: drift", "approvals/decisions/validity.py",
             "if decision is None or not signed or arguments != request.arguments:",
             "if decision is None:", DECISIONS),
    Mutation("claim: not again", "approvals/decisions/outcomes.py",
             "if request.idempotent and not even_idempotent:",
             "if not even_idempotent:", f"{DECISIONS} tests/agents/test_crash.py"),
    Mutation("claim: status", "approvals/store/requests.py",
             'requests.c.status == bindparam("was_status")', 'bindparam("was_status").is_not(None)',
             f"{DECISIONS} tests/approvals/test_races.py tests/approvals/store"),
    Mutation("evidence: requester", "approvals/decisions/evidence.py",
             "if _owner(rows) != request.requester:",
             "if False:", f"{DECISIONS}/test_evidence.py"),
    Mutation("evidence: verdict", "approvals/decisions/evidence.py",
             'if entry.body.get("verdict") not in _APPROVING:', "if False:",
             f"{DECISIONS}/test_evidence.py"),
    # A server that has lost its session writes nothing more.
    Mutation("lease: epoch", "approvals/store/leases.py",
             "held = held_epoch == epoch and status == SessionStatus.RUNNING",
             "held = status == SessionStatus.RUNNING",
             f"tests/approvals/store/test_leases.py {DECISIONS}"),
    Mutation("lease: until", "approvals/store/leases.py",
             "in_time = until is not None and until > codec.to_text(unit.now)", "in_time = True",
             f"tests/approvals/store/test_leases.py {DECISIONS}/test_handoff.py"),
    # The ledger shows what was changed afterwards.
    Mutation("ledger: link", "approvals/audit/ledger.py", "if entry.prev_hash != prev_hash:",
             "if False:", AUDIT),
    Mutation("ledger: hash", "approvals/audit/ledger.py",
             "if entry.hash != hash_of(entry):", "if False:", AUDIT),
    Mutation("ledger: head", "approvals/audit/ledger.py", "if (seq, prev_hash) != head:",
             "if False:", AUDIT),
    # Nobody is believed without their secret.
    Mutation("Jira: signature", "connectors/jira/webhook.py", "if not any(right):", "if False:",
             "tests/connectors/jira/test_webhook.py"),
    Mutation("ServiceNow: signature", "connectors/servicenow/webhook.py", "if not any(matches):",
             "if False:", "tests/connectors/servicenow/test_webhook.py"),
    Mutation("ServiceNow: replay", "connectors/servicenow/webhook.py",
             "if abs(clock.now().timestamp() - int(timestamp)) > FRESH_S:", "if False:",
             "tests/connectors/servicenow/test_webhook.py"),
    Mutation("constant time: tokens", "bot/people.py",
             "if hmac.compare_digest(given, expected):", "if given == expected:",
             "tests/security/test_compare.py"),
    Mutation("constant time: links", "approvals/read_links.py",
             "if not hmac.compare_digest(given, self._mac(purpose, payload)):",
             "if given != self._mac(purpose, payload):", "tests/security/test_compare.py"),
    Mutation("link: signature", "approvals/read_links.py",
             "if not hmac.compare_digest(given, self._mac(purpose, payload)):", "if False:",
             "tests/approvals/test_read_links.py"),
    Mutation("Teams: tenant", "bot/teams/auth.py",
             "if activity.tenant_id != self._settings.tenant_id:", "if False:",
             "tests/bot/teams/test_auth.py"),
    # One decision is on what its card has shown, and on no more.
    Mutation("Teams: the calls that were shown", "bot/teams/deciding_together.py",
             "if not calls or click.everything != digest_of(calls):", "if not calls:",
             "tests/bot/teams/test_checkpoint.py"),
    Mutation("Teams: all of every call", "bot/teams/deciding_together.py",
             "if verdict is Verdict.APPROVE and not whole:", "if False:",
             "tests/bot/teams/test_checkpoint.py"),
    # A group hears no more than it may.
    Mutation("wider audience", f"{RULES}/placing.py",
             'return kind != "personal" and kind not in placing.where_it_began', "return False",
             "tests/bot/teams/test_wider_audience.py"),
    # A ticket is made once, however often its answer is lost.
    Mutation("ticket: found before it is made", "connectors/ticketing/opening.py",
             "for found in await self._connector.find(order.key) if found.ours]",
             "for found in await self._connector.find(order.key) if False]",
             "tests/connectors/ticketing/test_channel.py "
             "tests/connectors/ticketing/test_open_tickets.py"),
    # Of several calls a ticket approves those that it showed, as they were.
    Mutation("several: the set in the key", "approvals/tickets.py",
             'more = f".{sha256_hex(calls.encode())[:12]}" if calls else ""',
             'more = ""', "tests/connectors/ticketing/test_several.py"),
    Mutation("several: each its own digest", "approvals/delivery/attempts.py",
             "return {**reference, DIGEST: kept.get(DIGEST) or view.request.digest}",
             "return reference", "tests/connectors/ticketing/test_several.py"),
    # A mail of several calls is told once, and its link leads to its calls and its recipient alone.
    Mutation("mail of several: told by one", "approvals/store/mail.py",
             ".values(told=told)).rowcount > 0", ".values(told=told)).rowcount >= 0",
             "tests/connectors/email/test_several_calls.py"),
    Mutation("mail of several: its calls alone", "bot/inbox/mail.py",
             "if wanted not in {each.id for each in (view.request, *view.siblings)}:", "if False:",
             "tests/bot/inbox/test_mail_of_calls.py"),
    Mutation("mail of several: the kind of link", "bot/inbox/mail.py",
             "if link is None or link.kind not in kinds:", "if link is None:",
             "tests/bot/inbox/test_mail_of_calls.py"),
    Mutation("mail: links that were rewritten", "connectors/email/incoming.py",
             "known = [url, unquote(unquote(url)),", "known = [url,",
             "tests/connectors/email/test_mail_programs.py"),
    Mutation("mail of several: what was told", "connectors/email/letter_of_calls.py",
             "each.digest[:_DIGEST] == known", "True",
             "tests/connectors/email/test_several_calls.py"),
    Mutation("several: shown whole", "connectors/ticketing/several.py",
             "if not ticket_of(first.delivery).whole:", "if False:",
             "tests/connectors/ticketing/test_several.py"),
    Mutation("several: of record", "connectors/ticketing/several.py",
             "if not await self._votes.all_of_record(calls):", "if False:",
             "tests/connectors/ticketing/test_several.py"),
    Mutation("several: a number that nobody can read", "connectors/comments/numbered.py",
             "if (unclear := _number_in(said, count)) is not None:", "if False:",
             "tests/connectors/ticketing/test_several.py"),
]  # fmt: skip


def copied(folder: Path) -> Path:
    """The checkout's files, as they are now, without what set-up and tests have made."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    for name in filter(None, found.stdout.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return folder


def tests_of(mutation: Mutation, folder: Path) -> tuple[int, str]:
    """Run those who must notice: the exit status of pytest, and what it has printed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider"]
    done = subprocess.run(  # noqa: S603 - our own tests
        [*command, "-k", "not postgresql", *mutation.tests.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def tried(mutation: Mutation, folder: Path) -> tuple[str, str]:
    """Whether a test notices, and which."""
    path = folder / mutation.file
    text = path.read_text("utf-8")
    if text.count(mutation.line) != 1:
        return (
            SURVIVED,
            f"the line is there {text.count(mutation.line)} times: mend scripts/mutate.py",
        )
    try:
        path.write_text(text.replace(mutation.line, mutation.becomes), "utf-8")
        status, said = tests_of(mutation, folder)
    except subprocess.TimeoutExpired:
        return NOTICED, f"by not ending within {TIMEOUT_S} s"
    finally:
        path.write_text(text, "utf-8")
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.M)
    if status == 1 and failed:
        return NOTICED, failed[0]
    return SURVIVED, f"pytest ended with {status}: {said.strip().splitlines()[-1:]}"


def main(words: list[str]) -> int:
    """Try them, and print a line for each."""
    chosen = [one for one in MUTATIONS if not words or any(word in one.name for word in words)]
    survived = 0
    with tempfile.TemporaryDirectory(prefix="countersign-mutate-") as name:
        folder = copied(Path(name))
        for mutation in chosen:
            began = time.monotonic()
            outcome, which = tried(mutation, folder)
            survived += outcome == SURVIVED
            took_s = time.monotonic() - began
            print(f"{mutation.name:<32} {outcome:<8} {took_s:4.0f} s  {which}", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} noticed")
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
