"""The tables. Times are ISO 8601 UTC text of fixed width, so that they sort; JSON is text."""

from __future__ import annotations

from countersign.approvals.store.schema.budget_tables import budget_counters as budget_counters
from countersign.approvals.store.schema.budget_tables import budget_uses as budget_uses
from countersign.approvals.store.schema.columns import metadata as metadata
from countersign.approvals.store.schema.delivery_tables import conversations as conversations
from countersign.approvals.store.schema.delivery_tables import deliveries as deliveries
from countersign.approvals.store.schema.delivery_tables import polls as polls
from countersign.approvals.store.schema.delivery_tables import reminders as reminders
from countersign.approvals.store.schema.delivery_tables import ticket_acts as ticket_acts
from countersign.approvals.store.schema.directory_tables import (
    directory_accounts as directory_accounts,
)
from countersign.approvals.store.schema.directory_tables import (
    directory_delegates as directory_delegates,
)
from countersign.approvals.store.schema.directory_tables import directory_groups as directory_groups
from countersign.approvals.store.schema.directory_tables import (
    directory_members as directory_members,
)
from countersign.approvals.store.schema.directory_tables import directory_shifts as directory_shifts
from countersign.approvals.store.schema.directory_tables import (
    directory_sources as directory_sources,
)
from countersign.approvals.store.schema.directory_tables import directory_staged as directory_staged
from countersign.approvals.store.schema.directory_tables import schedules_shown as schedules_shown
from countersign.approvals.store.schema.governance_tables import delegations as delegations
from countersign.approvals.store.schema.governance_tables import governance as governance
from countersign.approvals.store.schema.governance_tables import pauses as pauses
from countersign.approvals.store.schema.governance_tables import policy_versions as policy_versions
from countersign.approvals.store.schema.grant_tables import grant_uses as grant_uses
from countersign.approvals.store.schema.grant_tables import grants as grants
from countersign.approvals.store.schema.ledger_tables import ledger as ledger
from countersign.approvals.store.schema.ledger_tables import (
    ledger_checkpoints as ledger_checkpoints,
)
from countersign.approvals.store.schema.ledger_tables import ledger_leaves as ledger_leaves
from countersign.approvals.store.schema.ledger_tables import ledger_nodes as ledger_nodes
from countersign.approvals.store.schema.ledger_tables import ledger_seals as ledger_seals
from countersign.approvals.store.schema.mail_tables import mail_links as mail_links
from countersign.approvals.store.schema.mail_tables import mail_mutes as mail_mutes
from countersign.approvals.store.schema.mail_tables import mail_threads as mail_threads
from countersign.approvals.store.schema.request_tables import nobody_left as nobody_left
from countersign.approvals.store.schema.request_tables import open_roles as open_roles
from countersign.approvals.store.schema.request_tables import requests as requests
from countersign.approvals.store.schema.request_tables import result_texts as result_texts
from countersign.approvals.store.schema.retention_tables import (
    archived_sessions as archived_sessions,
)
from countersign.approvals.store.schema.retention_tables import legal_holds as legal_holds
from countersign.approvals.store.schema.rollout_tables import hindsights as hindsights
from countersign.approvals.store.schema.rollout_tables import rollouts as rollouts
from countersign.approvals.store.schema.session_tables import notices as notices
from countersign.approvals.store.schema.session_tables import session_messages as session_messages
from countersign.approvals.store.schema.session_tables import sessions as sessions
from countersign.approvals.store.schema.sign_in_tables import browser_sessions as browser_sessions
from countersign.approvals.store.schema.sign_in_tables import passkeys as passkeys
from countersign.approvals.store.schema.sign_in_tables import proofs as proofs
from countersign.approvals.store.schema.vote_tables import questions as questions
from countersign.approvals.store.schema.vote_tables import request_openings as request_openings
from countersign.approvals.store.schema.vote_tables import vote_refusals as vote_refusals
from countersign.approvals.store.schema.vote_tables import votes as votes
