"""The pages of the instance: plain links and forms, as somebody chosen in the header."""

from __future__ import annotations

import re

from aiohttp import web

from countersign.sandbox.servicenow.access import user_named
from countersign.sandbox.servicenow.errors import RestError
from countersign.sandbox.servicenow.instance import Instance
from countersign.sandbox.servicenow.people import ALEX, User
from countersign.sandbox.servicenow.persons import APPROVER_TABLE, Person, find_task
from countersign.sandbox.servicenow.style import frame
from countersign.sandbox.servicenow.tables import Row
from countersign.sandbox.servicenow.views import View

_COOKIE = "servicenow_sandbox_user"
_SYS_ID = re.compile(r"sys_id(?:=|%3D)([0-9a-f]{32})", re.IGNORECASE)


class Pages:
    """The handlers. Nobody logs in here: this is a stand-in on its owner's machine."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def routes(self) -> list[web.RouteDef]:
        """The list, the record, and the addresses a real instance has for a record."""
        return [
            web.get("/", self._overview),
            web.get("/acting-as", self._act_as),
            web.get("/change/{number}", self._record),
            web.post("/change/{number}", self._answer),
            web.get("/nav_to.do", self._deep_link),
            web.get("/{table:[a-z_]+}.do", self._deep_link),
            web.get("/now/nav/ui/classic/params/target/{target:.*}", self._deep_link),
        ]

    async def _overview(self, request: web.Request) -> web.Response:
        user = _acting(request)
        main = View(self._instance, user).overview()
        return _page(frame("ServiceNow", user, "/", main, renews=True))

    async def _record(self, request: web.Request) -> web.Response:
        return self._show(request.match_info["number"], _acting(request))

    async def _answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        number = request.match_info["number"]
        user = _named(form.get("user", "")) or _acting(request)
        person = Person(self._instance, user)
        comment, changes = form.get("comment", "").strip(), form.get("changes", "").strip()
        try:
            match form.get("answer"):
                case "approve":
                    person.approve(number, comment, changes)
                case "reject":
                    person.reject(number, comment, changes)
                case "reopen":
                    person.reopen(number)
                case _:
                    return self._show(number, user, "Choose Approve or Reject.", 400)
        except RestError as error:
            return self._show(number, user, error.detail or error.message, error.status)
        except LookupError as error:
            return self._show(number, user, f"{error}.", 404)
        raise web.HTTPSeeOther(f"/change/{number}")

    async def _act_as(self, request: web.Request) -> web.Response:
        back = request.query.get("back", "/")
        # Only a path of this server: "//host" and "/\\host" would lead elsewhere.
        local = re.fullmatch(r"/(?![/\\])[\x21-\x7e]*", back)
        response = web.Response(status=303, headers={"Location": back if local else "/"})
        user = _named(request.query.get("user", ""))
        if user is not None:
            response.set_cookie(_COOKIE, user.user_name, httponly=True, samesite="Lax")
        return response

    async def _deep_link(self, request: web.Request) -> web.Response:
        found = _SYS_ID.search(request.raw_path.replace("%253D", "="))
        task = None if found is None else self._task_of(found[1].lower())
        if task is None:
            raise web.HTTPSeeOther("/")
        raise web.HTTPSeeOther(f"/change/{task['number']}")

    def _task_of(self, sys_id: str) -> Row | None:
        """The record with this sys_id, or the one an approval with it is for."""
        approval = self._instance.store.find(APPROVER_TABLE, sys_id)
        found = self._instance.store.find(
            "task", sys_id if approval is None else approval[1]["sysapproval"]
        )
        return None if found is None else found[1]

    def _show(self, number: str, user: User, problem: str = "", status: int = 200) -> web.Response:
        back = f"/change/{number}"
        try:
            kind, task = find_task(self._instance, number)
            self._instance.read(user, kind, task["sys_id"])
        except (LookupError, RestError):
            main = (
                "<h1>Record not found</h1><p>It does not exist, or "
                "the person you act as may not see it.</p>"
            )
            return _page(frame("Record not found", user, back, main), 404)
        main = View(self._instance, user).record(kind, task, problem)
        return _page(frame(task["number"], user, back, main), status)


def _named(user_name: str) -> User | None:
    try:
        return user_named(user_name)
    except LookupError:
        return None


def _acting(request: web.Request) -> User:
    return _named(request.cookies.get(_COOKIE, "")) or ALEX


def _page(html: str, status: int = 200) -> web.Response:
    return web.Response(text=html, content_type="text/html", charset="utf-8", status=status)
