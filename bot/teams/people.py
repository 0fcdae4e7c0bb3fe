"""Principals of verified activities: who acts. The payload of a card never says."""

from __future__ import annotations

import re

from countersign.approvals.models import Actor, Principal, Via
from countersign.approvals.ports import Directory
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.wire import IncomingActivity

VIA = Via("teams")
_OBJECT_ID = re.compile(r"[0-9A-Fa-f-]{16,64}")


class People:
    """Finds principals. Without an app id (local clients) there is one persona for everything,
    so what it writes counts as asked by `local_requester`, and what it clicks as the persona."""

    def __init__(self, settings: TeamsSettings, directory: Directory, *, local: bool) -> None:
        self._settings, self._directory = settings, directory
        self._unsigned = local and not settings.app_id

    def clicker(self, activity: IncomingActivity) -> Actor:
        """Whoever sent the activity; a stranger has no principal."""
        object_id = activity.sender.aad_object_id
        if object_id:
            principal = self._directory.by_identity("entra", object_id.lower())
            return Actor(principal=principal, via=VIA, identity=f"entra:{object_id.lower()}")
        identity = f"{activity.channel_id}:{activity.sender.id}"
        if self._unsigned and self._settings.local_approver:
            principal = self._directory.by_id(self._settings.local_approver)
            return Actor(principal=principal, via=VIA, identity=f"local:{identity}")
        return Actor(principal=None, via=VIA, identity=identity)

    def requester(self, activity: IncomingActivity) -> Actor:
        """Who counts as asking, when this activity asks for something."""
        sender = self.clicker(activity)
        if not self._unsigned or not self._settings.local_requester:
            return sender
        principal = self._directory.by_id(self._settings.local_requester)
        return Actor(principal=principal, via=VIA, identity=f"local:{sender.identity}")

    def stand_in(self, activity: IncomingActivity) -> Principal | None:
        """The one who counts as asking, if that is not the one who wrote."""
        asker, sender = self.requester(activity).principal, self.clicker(activity).principal
        return asker if asker and (sender is None or asker.id != sender.id) else None


def unknown_person(activity: IncomingActivity) -> str:
    """Tells a stranger what an administrator has to do."""
    object_id = activity.sender.aad_object_id or ""
    shown = f" Your Entra object id is `{object_id}`." if _OBJECT_ID.fullmatch(object_id) else ""
    return (
        "Sorry, I do not know you yet, so I cannot do anything for you. Please ask your "
        f"administrator to add you to `people:` in the configuration.{shown}"
    )
