"""The figures on oversight as CSV: a line for each group, and one for all."""

from __future__ import annotations

from collections.abc import Iterator

from countersign.approvals.rules.oversight import Figures, Group, Report
from countersign.bot.audit.csv_lines import row_text

COLUMNS = (
    "kind", "id", "name", "votes", "approvals", "edits", "rejections", "expired", "fast",
    "fast_share", "rejected_share", "edited_share", "median_s", "p90_s", "since", "until",
    "canaries_caught", "canaries_missed", "canaries_asked", "canaries_unanswered",
    "canaries_low", "canaries_high",
)  # fmt: skip


def csv_of(report: Report) -> str:
    """All of it, with a line of headings."""
    return "".join([row_text(COLUMNS), *_lines(report)])


def _lines(report: Report) -> Iterator[str]:
    yield _line("all", "", "", report.total, report.expired, report)
    kinds = (("rule", report.rules), ("channel", report.channels), ("person", report.people))
    for kind, groups in kinds:
        for each in groups:
            yield _line(kind, each.id, each.name, each, each.expired, report)


def _line(kind: str, key: str, name: str, of: Figures | Group, expired: int, report: Report) -> str:
    tests = of.canaries
    shares = (of.fast_share, of.rejected_share, of.edited_share)
    return row_text(
        (
            kind,
            key,
            name,
            *(str(each) for each in (of.votes, of.approvals, of.edits, of.rejections)),
            str(expired),
            str(of.fast),
            *("" if each is None else f"{each:.4f}" for each in shares),
            *("" if each is None else f"{each:.3f}" for each in (of.median_s, of.p90_s)),
            report.since.isoformat(timespec="seconds"),
            report.until.isoformat(timespec="seconds"),
            *(str(each) for each in (tests.caught, tests.missed, tests.asked, tests.unanswered)),
            *(f"{each:.4f}" for each in (tests.low, tests.high)),
        )
    )
