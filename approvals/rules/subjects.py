"""Subjects: what a request is, for those whose roles hold for some calls only."""

from __future__ import annotations

from countersign.approvals.models import People, Request, Session, Subject, ToolCall


def subject_of(call: Request | ToolCall, session: Session) -> Subject:
    """What a call of a session is."""
    return Subject(call.tool, call.agent, session.workflow)


def people_for(people: People, call: Request | ToolCall, session: Session) -> People:
    """The people, with the roles that each of them holds for this call."""
    return people.about(subject_of(call, session))
