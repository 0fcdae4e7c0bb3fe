"""Where the receipt of a request is: the page that channels link to once it is decided."""

from __future__ import annotations

from countersign.approvals.models import Request, RequestStatus

_OVER = frozenset(
    {
        RequestStatus.EXECUTED,
        RequestStatus.FAILED,
        RequestStatus.REJECTED,
        RequestStatus.EXPIRED,
        RequestStatus.CANCELLED,
    }
)
"""Nothing more becomes of it."""


def receipt_url(pages_url: str, request: Request) -> str:
    """Its page; "" while more may become of the request, and where nobody can read pages."""
    if not pages_url or request.status not in _OVER:
        return ""
    return f"{prefix_of(pages_url)}{request.id}/receipt"


def prefix_of(pages_url: str) -> str:
    """What their addresses begin with; "" where there are none."""
    return f"{pages_url}/inbox/requests/" if pages_url else ""
