"""Mail to one person at a time through SendGrid, over `sendgrid`.

What has to be known of the service and of its client (6.12.5), and is put right here:

- 202 says that the mail was taken, not that anybody gets it: it is dropped without a word for
  whoever has unsubscribed, bounced or complained. So the suppressions are asked before.
- Two addresses in one `Mail` share one mail: each sees the other. `is_multiple=True` does not, and
  loses copies and template data of all but the last. So there is one `Mail` for one person.
- Parts of a path are not quoted: an address with `?` or `#` asks about another one.
- There is no time limit, and a redirect of a POST is followed by a GET whose answer looks like one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from socket import gaierror
from typing import Any
from urllib.error import URLError
from urllib.parse import quote

from countersign import OutcomeUnknownError
from countersign.examples.back_office import BackOfficeError, setting
from countersign.examples.refusals import UNAVAILABLE, perhaps_done, refused
from countersign.examples.uses import require

TIMEOUT_S = 4.0
"""Of one request; a check makes four."""
EXECUTION = "countersign_execution"
"""The custom argument that says by which execution a mail was sent."""
ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\"\\]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_ACCEPTED = 202
_UNSURE = "SendGrid did not answer. It is not known whether the mail was sent."


@dataclass(frozen=True)
class Accepted:
    """A mail that SendGrid has taken."""

    message_id: str


class Mailer:
    """One account. Its methods block; they may be called in any thread."""

    def __init__(self, key: str, url: str, sender: str, group: int) -> None:
        self._key, self._url, self.sender, self.group = key, url, sender, group

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Mailer:
        """Reads `sendgrid_api_key`, `sendgrid_url`, `sendgrid_from` and `sendgrid_group`, which is
        the number of an unsubscribe group. Raises ValueError."""
        require("outreach", ("sendgrid", "sendgrid"))
        group = setting(settings, "sendgrid_group")
        if isinstance(group, bool) or not isinstance(group, int):
            raise ValueError(f"sendgrid_group: {group!r} is no number of an unsubscribe group.")
        key, url, sender = (
            str(setting(settings, f"sendgrid_{name}")) for name in ("api_key", "url", "from")
        )
        return cls(key, url.rstrip("/"), sender, group)

    def unwanted(self, address: str) -> str | None:
        """Why this address gets nothing from us, in words; None if nothing speaks against it.

        Raises BackOfficeError.
        """
        email = quote(address, safe="@")
        if self._read("asm", "suppressions", "global", email):
            return "has unsubscribed from everything"
        groups = self._read("asm", "suppressions", email)["suppressions"]
        ours = [each for each in groups if each["id"] == self.group]
        if not ours:
            raise BackOfficeError(f"SendGrid has no unsubscribe group {self.group}.")
        if ours[0]["suppressed"]:
            return f"has unsubscribed from {ours[0]['name']}"
        if self._read("suppression", "spam_reports", email):
            return "has reported our mail as spam"
        bounced = self._read("suppression", "bounces", email)
        return f"does not take mail ({bounced[0]['reason']})" if bounced else None

    def send(
        self, address: str, subject: str, text: str, category: str, execution: str
    ) -> Accepted:
        """Hand in one mail. Raises BackOfficeError or OutcomeUnknownError."""
        from python_http_client.exceptions import HTTPError
        from sendgrid.helpers.mail import Asm, Category, CustomArg, GroupId, Mail

        mail = Mail(self.sender, address, subject, plain_text_content=text)
        mail.category = Category(category)
        mail.custom_arg = CustomArg(EXECUTION, execution)
        mail.asm = Asm(GroupId(self.group))
        try:
            answer = self._client().mail.send.post(request_body=mail.get())
        except HTTPError as error:
            said = _said(error, "Nothing was sent.")
            if not perhaps_done(error.status_code):
                raise BackOfficeError(said) from None
            try:
                return self._sent_after_all(execution)
            except OutcomeUnknownError:
                if error.status_code != UNAVAILABLE:
                    raise
                raise BackOfficeError(said) from None
        except (OSError, HTTPException) as error:
            if _never_sent(error):
                said = "SendGrid cannot be reached. Nothing was sent."
                raise BackOfficeError(said) from error
            return self._sent_after_all(execution)
        if answer.status_code != _ACCEPTED:  # of something else, to which we were led
            raise OutcomeUnknownError(_UNSURE)
        return Accepted(str(answer.headers.get("X-Message-Id") or ""))

    def _sent_after_all(self, execution: str) -> Accepted:
        """The mail, if the activity has it. That it does not (yet) have it proves nothing, and not
        every account has it. Raises OutcomeUnknownError."""
        query = {"limit": 1, "query": f"(unique_args['{EXECUTION}']=\"{execution}\")"}
        try:
            found = self._read("messages", **query)["messages"]
        except BackOfficeError:
            raise OutcomeUnknownError(_UNSURE) from None
        if not found:
            raise OutcomeUnknownError(_UNSURE)
        return Accepted(str(found[0]["msg_id"]))

    def _client(self) -> Any:
        from sendgrid import SendGridAPIClient

        # One for each call: headers of a call stay in the client for the next one.
        client = SendGridAPIClient(self._key, host=self._url).client
        client.timeout = TIMEOUT_S
        return client

    def _read(self, *path: str, **query: Any) -> Any:
        """Raises BackOfficeError."""
        from python_http_client.exceptions import HTTPError

        client = self._client()
        for step in path:
            client = client._(step)
        try:
            return json.loads(client.get(query_params=query or None).body)
        except HTTPError as error:
            raise BackOfficeError(_said(error)) from None
        except (OSError, HTTPException) as error:
            raise BackOfficeError("SendGrid cannot be reached.") from error
        except ValueError as error:
            raise BackOfficeError("SendGrid gave an answer that cannot be read.") from error


def _said(error: Any, nothing: str = "") -> str:
    """SendGrid's refusal in words."""
    try:
        first = json.loads(error.body)["errors"][0]
        words = f"{first['message']} ({first['field']})" if first["field"] else first["message"]
    except (ValueError, KeyError, IndexError, TypeError):
        words = ""
    later = error.headers.get("Retry-After") if error.headers else None
    return refused("SendGrid", error.status_code, words, later=later, nothing=nothing)


def _never_sent(error: Exception) -> bool:
    """Whether there was no connection through which anything could have been sent."""
    return isinstance(error, URLError) and isinstance(
        error.reason, ConnectionRefusedError | gaierror
    )
