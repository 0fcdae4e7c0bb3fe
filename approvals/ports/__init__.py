"""The seams: what the domain asks of the world, with each contract in its docstring."""

from __future__ import annotations

from countersign.approvals.ports.channels import Channel as Channel
from countersign.approvals.ports.channels import Channels as Channels
from countersign.approvals.ports.channels import Conversations as Conversations
from countersign.approvals.ports.channels import Prompt as Prompt
from countersign.approvals.ports.channels import RequestView as RequestView
from countersign.approvals.ports.people import Clock as Clock
from countersign.approvals.ports.people import Directory as Directory
from countersign.approvals.ports.people import DirectorySource as DirectorySource
from countersign.approvals.ports.proofs import NoProofs as NoProofs
from countersign.approvals.ports.proofs import Proofs as Proofs
from countersign.approvals.ports.store import Job as Job
from countersign.approvals.ports.store import Jobs as Jobs
from countersign.approvals.ports.store import Reader as Reader
from countersign.approvals.ports.store import Store as Store
from countersign.approvals.ports.ticketing import AsksSeveral as AsksSeveral
from countersign.approvals.ports.ticketing import KnownTickets as KnownTickets
from countersign.approvals.ports.ticketing import TicketConnector as TicketConnector
from countersign.approvals.ports.ticketing import TicketConnectors as TicketConnectors
from countersign.approvals.ports.ticketing import TicketOrder as TicketOrder
from countersign.approvals.ports.ticketing import WebhookGreeter as WebhookGreeter
from countersign.approvals.ports.tools import Forms as Forms
from countersign.approvals.ports.tools import Schemas as Schemas
from countersign.approvals.ports.tools import ToolCatalog as ToolCatalog
from countersign.approvals.ports.unit import Left as Left
from countersign.approvals.ports.unit import Moment as Moment
from countersign.approvals.ports.unit import NewLease as NewLease
from countersign.approvals.ports.unit import Unit as Unit
