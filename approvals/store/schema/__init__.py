"""The tables. Times are ISO 8601 UTC text of fixed width, so that they sort; JSON is text."""

from __future__ import annotations

from countersign.approvals.store.schema.budgets import budget_counters as budget_counters
from countersign.approvals.store.schema.budgets import budget_uses as budget_uses
from countersign.approvals.store.schema.columns import metadata as metadata
from countersign.approvals.store.schema.deliveries import conversations as conversations
from countersign.approvals.store.schema.deliveries import deliveries as deliveries
from countersign.approvals.store.schema.deliveries import polls as polls
from countersign.approvals.store.schema.deliveries import reminders as reminders
from countersign.approvals.store.schema.deliveries import ticket_acts as ticket_acts
from countersign.approvals.store.schema.directories import directory_accounts as directory_accounts
from countersign.approvals.store.schema.directories import (
    directory_delegates as directory_delegates,
)
from countersign.approvals.store.schema.directories import directory_groups as directory_groups
from countersign.approvals.store.schema.directories import directory_members as directory_members
from countersign.approvals.store.schema.directories import directory_sources as directory_sources
from countersign.approvals.store.schema.directories import directory_staged as directory_staged
from countersign.approvals.store.schema.governance import delegations as delegations
from countersign.approvals.store.schema.governance import governance as governance
from countersign.approvals.store.schema.governance import pauses as pauses
from countersign.approvals.store.schema.governance import policy_versions as policy_versions
from countersign.approvals.store.schema.grants import grant_uses as grant_uses
from countersign.approvals.store.schema.grants import grants as grants
from countersign.approvals.store.schema.ledger import ledger as ledger
from countersign.approvals.store.schema.ledger import ledger_checkpoints as ledger_checkpoints
from countersign.approvals.store.schema.ledger import ledger_leaves as ledger_leaves
from countersign.approvals.store.schema.ledger import ledger_nodes as ledger_nodes
from countersign.approvals.store.schema.ledger import ledger_seals as ledger_seals
from countersign.approvals.store.schema.mail import mail_links as mail_links
from countersign.approvals.store.schema.mail import mail_mutes as mail_mutes
from countersign.approvals.store.schema.mail import mail_threads as mail_threads
from countersign.approvals.store.schema.requests import nobody_left as nobody_left
from countersign.approvals.store.schema.requests import open_roles as open_roles
from countersign.approvals.store.schema.requests import requests as requests
from countersign.approvals.store.schema.requests import result_texts as result_texts
from countersign.approvals.store.schema.sessions import notices as notices
from countersign.approvals.store.schema.sessions import session_messages as session_messages
from countersign.approvals.store.schema.sessions import sessions as sessions
from countersign.approvals.store.schema.sign_in import browser_sessions as browser_sessions
from countersign.approvals.store.schema.sign_in import passkeys as passkeys
from countersign.approvals.store.schema.sign_in import proofs as proofs
from countersign.approvals.store.schema.votes import questions as questions
from countersign.approvals.store.schema.votes import request_openings as request_openings
from countersign.approvals.store.schema.votes import vote_refusals as vote_refusals
from countersign.approvals.store.schema.votes import votes as votes
