"""AutoGen with a gate: a chat pauses at a risky tool call and goes on after the decision.

What workflows need of it is in `countersign` as well: `from countersign import Chat, workflow`.
"""

from countersign.agents.classic.distribution import require_autogen

require_autogen()

# Only now: without the check a wrong distribution would end here as a bare ImportError.
from countersign.agents.classic.chat import Chat  # noqa: E402
from countersign.agents.classic.gatekeeper import ApprovalProxy  # noqa: E402
from countersign.agents.classic.registry import Registry  # noqa: E402
from countersign.agents.classic.workflows import WorkflowContext, workflow  # noqa: E402
from countersign.agents.outcomes import NothingHappenedError, OutcomeUnknownError  # noqa: E402
from countersign.agents.permit import current_execution  # noqa: E402
from countersign.agents.session_manager import SessionManager  # noqa: E402
from countersign.approvals.errors import PreconditionFailedError  # noqa: E402

__all__ = [
    "ApprovalProxy",
    "Chat",
    "NothingHappenedError",
    "OutcomeUnknownError",
    "PreconditionFailedError",
    "Registry",
    "SessionManager",
    "WorkflowContext",
    "current_execution",
    "workflow",
]
