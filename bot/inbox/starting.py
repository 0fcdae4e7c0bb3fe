"""Workflows: what can be started, and the form that starts one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import InvalidError
from countersign.bot.api.operation import Services
from countersign.bot.api.sessions import MAX_KEY_CHARS, MAX_TASK_CHARS
from countersign.bot.http.lanes import Kind
from countersign.bot.inbox.pages import Form, Pages
from countersign.bot.inbox.requests import KEPT
from countersign.bot.inbox.shell import HOME, VIA, Visit, to
from countersign.connectors.system import Route

PATH = f"{HOME}/workflows"


class WorkflowPages:
    """The list with its forms."""

    def __init__(self, pages: Pages, services: Services):
        self._pages, self._sessions = pages, services.sessions

    def routes(self) -> Sequence[Route]:
        """Their addresses."""
        return [
            Route("GET", PATH, self._pages.look(self.show)),
            Route("POST", PATH, self._pages.act(self.start, Kind.STARTS)),
        ]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """All that can be started."""
        return self._draw(visit, Form({}))

    async def start(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Start one; the same form sent twice starts it once."""
        if form.is_kept:
            return self._draw(visit, form, said=KEPT)
        task, key = well_formed(form.text("task")), form.text("key")
        if len(task) > MAX_TASK_CHARS:
            error = f"The task is longer than {MAX_TASK_CHARS:,} characters."
            return self._draw(visit, form, error=error)
        try:
            session = await self._sessions.start(
                form.text("workflow"),
                task,
                visit.reader,
                idempotency_key=f"{VIA}:{visit.reader.id}:{key[:MAX_KEY_CHARS]}" if key else None,
            )
        except InvalidError as error:
            return self._draw(visit, form, error=str(error))
        return to(f"{HOME}/sessions/{session.id}")

    def _draw(
        self, visit: Visit, form: Form, *, said: str = "", error: str = ""
    ) -> web.StreamResponse:
        return self._pages.shell.page(
            visit,
            "workflows.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
            workflows=self._sessions.known(),
            chosen=form.text("workflow"),
            task=form.text("task"),
            key=secrets.token_urlsafe(16),
            said=said,
            error=error,
        )
