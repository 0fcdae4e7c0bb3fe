"""The values of the domain: frozen, closed, and the same from the wire to the store."""

from __future__ import annotations

from countersign.approvals.models.base import CheckpointId as CheckpointId
from countersign.approvals.models.base import ConversationKey as ConversationKey
from countersign.approvals.models.base import DeliveryId as DeliveryId
from countersign.approvals.models.base import JsonObject as JsonObject
from countersign.approvals.models.base import PrincipalId as PrincipalId
from countersign.approvals.models.base import RequestId as RequestId
from countersign.approvals.models.base import SessionId as SessionId
from countersign.approvals.models.base import Value as Value
from countersign.approvals.models.calls import AfterRejection as AfterRejection
from countersign.approvals.models.calls import Checked as Checked
from countersign.approvals.models.calls import Effect as Effect
from countersign.approvals.models.calls import Effective as Effective
from countersign.approvals.models.calls import Injected as Injected
from countersign.approvals.models.calls import OnError as OnError
from countersign.approvals.models.calls import Preview as Preview
from countersign.approvals.models.calls import Proposal as Proposal
from countersign.approvals.models.calls import RequestKind as RequestKind
from countersign.approvals.models.calls import Risk as Risk
from countersign.approvals.models.calls import Ruling as Ruling
from countersign.approvals.models.calls import Stage as Stage
from countersign.approvals.models.calls import ToolCall as ToolCall
from countersign.approvals.models.deliveries import Conversation as Conversation
from countersign.approvals.models.deliveries import Delivery as Delivery
from countersign.approvals.models.deliveries import DeliveryStatus as DeliveryStatus
from countersign.approvals.models.deliveries import Notice as Notice
from countersign.approvals.models.people import Actor as Actor
from countersign.approvals.models.people import Principal as Principal
from countersign.approvals.models.people import Via as Via
from countersign.approvals.models.requests import Cause as Cause
from countersign.approvals.models.requests import Decision as Decision
from countersign.approvals.models.requests import Finding as Finding
from countersign.approvals.models.requests import Opening as Opening
from countersign.approvals.models.requests import Outcome as Outcome
from countersign.approvals.models.requests import Request as Request
from countersign.approvals.models.requests import RequestStatus as RequestStatus
from countersign.approvals.models.requests import Result as Result
from countersign.approvals.models.requests import SameCall as SameCall
from countersign.approvals.models.requests import Verdict as Verdict
from countersign.approvals.models.requests import Vote as Vote
from countersign.approvals.models.sessions import LedgerEntry as LedgerEntry
from countersign.approvals.models.sessions import Session as Session
from countersign.approvals.models.sessions import SessionStatus as SessionStatus
