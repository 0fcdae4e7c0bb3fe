"""What the workspace holds, and what happens to it: every change is a story and an event.

`approval_status` and `completed` are kept in step: pending is not complete, every answer is, and
completing an approval approves it. Deleting a task is for good.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from countersign.sandbox.asana.people import BY_GID, PROJECT, User
from countersign.sandbox.asana.records import (
    FIELDS,
    KINDS,
    STATUSES,
    TEXT_MOST,
    RefusedError,
    Task,
    stamp,
)


class Workspace:
    """Everything in it; times are strictly increasing, as no two changes are one."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.events: list[dict[str, Any]] = []
        self.happened: Callable[[dict[str, Any]], None] = lambda _: None
        """Told of each event."""
        self.consolidates = False
        """Whether the stories of approvals are lost, as consolidated ones are."""
        self._gids = itertools.count(1_300_000_000_000_001)
        self._last = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """A time that nothing else has."""
        found = datetime.now(UTC)
        found = found.replace(microsecond=found.microsecond // 1000 * 1000)
        self._last = max(found, self._last + timedelta(milliseconds=1))
        return self._last

    def gid(self) -> str:
        """A new one."""
        return str(next(self._gids))

    def task(self, gid: str) -> Task:
        """The task. Raises RefusedError."""
        if gid not in self.tasks:
            raise RefusedError(404, f"task: Unknown object: {gid}")
        return self.tasks[gid]

    def create(self, who: User, data: Mapping[str, Any]) -> Task:
        """A new task in the project. Raises RefusedError."""
        if data.get("projects") != [PROJECT]:
            raise RefusedError(400, "projects: Not a recognized ID, or no project or workspace")
        task = Task(self.gid(), who, self.now(), followers=[who])
        for gid in data.get("followers") or ():
            _follow(task, user_of(gid, "followers"))
        self._set(task, who, {k: v for k, v in data.items() if k not in ("projects", "followers")})
        task.stories.clear()
        self.tasks[task.gid] = task
        self._tell(who, _resource(task), "added", {"gid": PROJECT, "resource_type": "project"})
        return task

    def update(self, who: User, gid: str, data: Mapping[str, Any]) -> Task:
        """The task with other values. Raises RefusedError, and has then changed nothing."""
        task = self.task(gid)
        unknown = data.keys() & {"projects", "followers", "memberships"}
        if unknown:
            raise RefusedError(400, f"{min(unknown)}: cannot be set on an existing task")
        self._set(task, who, data)
        return task

    def follow(self, who: User, gid: str, followers: list[str]) -> Task:
        """The task with more followers."""
        task = self.task(gid)
        for each in followers:
            _follow(task, user_of(each, "followers"))
        self._changed(task, who, "followers")
        return task

    def comment(self, who: User, gid: str, text: str) -> dict[str, Any]:
        """A comment in the task."""
        task = self.task(gid)
        if not text.strip():
            raise RefusedError(400, "text: Missing input")
        story = self._story(task, who, "comment_added", "comment", text=text)
        self._tell(who, _about(story), "added", _resource(task))
        return story

    def move(self, who: User, gid: str, section: str) -> None:
        """Into another section of the project."""
        task = self.task(gid)
        task.section = section
        self._story(task, who, "section_changed", text=f"moved this task to {section}")
        self._changed(task, who, "memberships")

    def delete(self, who: User, gid: str) -> None:
        """For good."""
        task = self.task(gid)
        del self.tasks[gid]
        self._tell(who, _resource(task), "deleted", None)

    def _set(self, task: Task, who: User, data: Mapping[str, Any]) -> None:
        _require(data)
        for name in ("name", "notes"):
            if name in data and getattr(task, name) != data[name]:
                setattr(task, name, data[name])
                self._story(task, who, f"{name}_changed", text=f"changed the {name}")
                self._changed(task, who, name)
        if "assignee" in data:
            task.assignee = (
                None if data["assignee"] is None else user_of(data["assignee"], "assignee")
            )
            self._story(task, who, "assigned", text="assigned this task")
            self._changed(task, who, "assignee")
        for gid, value in (data.get("custom_fields") or {}).items():
            self._write(task, who, gid, value or "")
        kind = data.get("resource_subtype", task.kind)
        if kind != task.kind:
            task.kind = kind
            task.status = (
                ("approved" if task.completed else "pending") if kind == "approval" else None
            )
            self._story(task, who, "resource_subtype_changed", text=f"made this a {kind}")
            self._changed(task, who, "resource_subtype")
        if task.kind == "approval" and "approval_status" in data:
            self._answer(task, who, data["approval_status"])
        elif "completed" in data and data["completed"] != task.completed:
            if task.kind == "approval":
                self._answer(task, who, "approved" if data["completed"] else "pending")
            else:
                self._complete(task, who, done=data["completed"])
                kind = "marked_complete" if data["completed"] else "marked_incomplete"
                self._story(task, who, kind, text=kind.replace("_", " "))
                self._changed(task, who, "completed")

    def _answer(self, task: Task, who: User, status: str) -> None:
        if status == task.status:
            return
        before, task.status = task.status, status
        self._complete(task, who, done=status != "pending")
        if not self.consolidates:
            more: dict[str, Any] = {"new_approval_status": status, "old_approval_status": before}
            said = f"changed the approval to {status}"
            story = self._story(task, who, "approval_status_changed", text=said, **more)
            self._tell(who, _about(story), "added", _resource(task))
        self._changed(task, who, "approval_status")

    def _complete(self, task: Task, who: User, *, done: bool) -> None:
        if done != task.completed:
            task.completed_at, task.completed_by = (self.now(), who) if done else (None, None)
        task.completed = done

    def _write(self, task: Task, who: User, gid: str, value: str) -> None:
        before = task.texts.get(gid, "")
        if before == value:
            return
        task.texts[gid] = value
        self._story(
            task,
            who,
            "text_custom_field_changed",
            text=f"changed {FIELDS[gid]}",
            custom_field={"gid": gid, "resource_type": "custom_field", "name": FIELDS[gid]},
            old_text_value=before,
            new_text_value=value,
        )
        self._changed(task, who, "custom_fields")

    def _story(
        self, task: Task, who: User, kind: str, family: str = "system", **more: Any
    ) -> dict[str, Any]:
        story = {
            "gid": self.gid(),
            "resource_type": "story",
            "type": family,
            "resource_subtype": kind,
            "created_at": stamp(self.now()),
            "created_by": who.compact(),
            "is_edited": False,
            "target": _resource(task) | {"name": task.name},
            **more,
        }
        task.stories.append(story)
        task.modified_at = self._last
        return story

    def _changed(self, task: Task, who: User, name: str) -> None:
        task.modified_at = self.now()
        self._tell(who, _resource(task), "changed", None, {"field": name, "action": "changed"})

    def _tell(
        self,
        who: User,
        resource: dict[str, Any],
        action: str,
        parent: dict[str, Any] | None,
        change: dict[str, Any] | None = None,
    ) -> None:
        event = {
            "user": {"gid": who.gid, "resource_type": "user"},
            "created_at": stamp(self.now()),
            "action": action,
            "resource": resource,
            "parent": parent,
            **({} if change is None else {"change": change}),
        }
        self.events.append(event)
        self.happened(event)


def user_of(gid: Any, name: str) -> User:
    """Whom a gid names. Raises RefusedError."""
    if gid not in BY_GID:
        raise RefusedError(400, f"{name}: Not a recognized ID: {gid}")
    return BY_GID[gid]


def _require(data: Mapping[str, Any]) -> None:
    """Raise RefusedError for what Asana does not take."""
    for name in ("name", "notes"):
        if name in data and not isinstance(data[name], str):
            raise RefusedError(400, f"{name}: Not a string")
    if data.get("approval_status", "pending") not in STATUSES:
        raise RefusedError(400, "approval_status: Not a recognized value")
    if data.get("resource_subtype", "approval") not in KINDS:
        raise RefusedError(400, "resource_subtype: Not a recognized value")
    for gid, value in (data.get("custom_fields") or {}).items():
        if gid not in FIELDS:
            raise RefusedError(400, f"Custom field with ID {gid} is not on given object")
        if value is not None and len(value) > TEXT_MOST:
            raise RefusedError(400, f"custom_fields: longer than {TEXT_MOST} characters")
    if data.get("assignee") is not None:
        user_of(data["assignee"], "assignee")


def _follow(task: Task, user: User) -> None:
    if user not in task.followers:
        task.followers.append(user)


def _resource(task: Task) -> dict[str, Any]:
    return {"gid": task.gid, "resource_type": "task", "resource_subtype": task.kind}


def _about(story: dict[str, Any]) -> dict[str, Any]:
    return {name: story[name] for name in ("gid", "resource_type", "resource_subtype")}
