"""E-mail as the approver's side of the demo: they open the mail, follow its link, and sign in.

Before they do, a program fetches every link, as scanners of mail do; nothing comes of that.
"""

from __future__ import annotations

import re
from typing import Any

from typing_extensions import override

from countersign.approvals.models import Verdict
from countersign.bot.demo.fronts import ApiFront, Front, Seen
from countersign.bot.demo.scenarios import APPROVER, Choice, Scenario
from countersign.bot.demo.world import World, soon
from countersign.sandbox.mailbox.desk import Mail, MailDesk, Page

_ACTS = {
    Verdict.APPROVE: "follows the link, and presses [ Approve ]",
    Verdict.REJECT: "follows the link, and presses [ Reject ]",
    Verdict.MODIFY: "follows the link, and presses [ Approve with these changes ]",
}


class MailFront(Front):
    """The approver works in a mail program and a browser; the session is started by the API."""

    def __init__(self, world: World):
        self._world, self._api = world, ApiFront(world)
        self._address = world.person(APPROVER).identities["email"]
        self._mails: list[tuple[str, str]] = []
        self._opened: set[tuple[str, str]] = set()

    @override
    async def start(self, scenario: Scenario) -> str:
        return await self._api.start(scenario)

    @override
    async def decide(self, request: dict[str, Any], choice: Choice) -> Seen:
        """Returns when the decision counts."""
        async with MailDesk(self._world.mailbox.url, self._address) as desk:
            mail = await self._asked(desk, request["id"])
            (link,) = mail.links
            self._opened.add((link, request["id"]))
            await desk.prefetch(link)
            await desk.sign_in(self._world.url, APPROVER)
            page = await desk.alone(await desk.open(link), request["id"])
            after = await self._answered(desk, page, choice)
            if after.status >= 400 or "said=" not in after.url:
                raise ValueError(f"{after.url} answered {after.status}")
        self._mails.append((request["id"], mail.subject))
        return Seen(
            act=_ACTS[choice.verdict],
            title=f"the mail that {self._world.name(APPROVER)} got",
            asked=(mail.subject, "", *mail.text.splitlines()),
            answered="a program had fetched the link before: nothing came of that",
        )

    @override
    async def told(self) -> list[str]:
        """The last mail of each thread, once what came of it is known."""
        lines = []
        async with MailDesk(self._world.mailbox.url, self._address) as desk:
            for request_id, _ in self._mails:
                await self._closed(request_id)
            for subject in dict.fromkeys(subject for _, subject in self._mails):
                found = [m for m in await desk.mails() if m.subject == f"Re: {subject}"]
                last = found[-1].text.splitlines() if found else ["no mail"]
                several = [line for line in last if re.match(r"\d+\. ", line)]
                said = [f"{last[1]}.", *several] if several else last[1:4]
                lines.append(f"Re: {subject}: {' '.join(filter(None, said))}")
        return lines

    async def _asked(self, desk: MailDesk, request_id: str) -> Mail:
        async def look() -> Mail | None:
            found = [m for m in await desk.mails() if request_id in m.text and m.links]
            return next((m for m in found if (m.links[0], request_id) not in self._opened), None)

        mail: Mail = await soon(look, f"no mail about {request_id} has arrived")
        return mail

    async def _answered(self, desk: MailDesk, page: Page, choice: Choice) -> Page:
        if choice.verdict is Verdict.MODIFY:
            return await desk.change(page, choice.changes, choice.comment)
        return await desk.vote(page, str(choice.verdict), choice.comment)

    async def _closed(self, request_id: str) -> None:
        async def look() -> bool:
            path = f"/api/v1/requests/{request_id}"
            found = await self._world.call(APPROVER, "GET", path)
            return all(d["status"] == "closed" for d in found["deliveries"])

        await soon(look, f"the mails about {request_id} are not closed")
