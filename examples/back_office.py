"""The systems the example workflows act on: a CRM with quoting and a provisioning system over
HTTP, and mail over SMTP.

Errors carry the sentence the agents get to read: what happened, and whether anything was changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import getaddresses
from functools import cache
from mimetypes import guess_type
from typing import Any
from urllib.parse import quote

import aiosmtplib
import httpx

from countersign import NothingHappenedError, OutcomeUnknownError, PreconditionFailedError
from countersign.examples.refusals import (
    UNAVAILABLE,
    perhaps_done,
    refused,
    still_unknown,
    words_of,
)

TIMEOUT_S = 10.0
"""For one request to a back end, connecting included."""
_REFUSED = 400
"""From here on an SMTP answer is a refusal (RFC 5321, section 4.2.1)."""
NO_FILES: Mapping[str, bytes] = {}
_UNSURE_MAIL = "The mail server did not answer. It is not known whether the mail was sent."


class BackOfficeError(NothingHappenedError):
    """A back end refused or could not be reached: nothing was changed."""


def setting(settings: Mapping[str, Any], key: str) -> Any:
    """A required setting of a workflow. Raises ValueError that says where it belongs."""
    if settings.get(key) in (None, ""):
        raise ValueError(
            f"The workflow needs {key}: set it in countersign.yaml under `workflows.settings`."
        )
    return settings[key]


def as_json(value: Mapping[str, Any]) -> str:
    """What a tool returns, as text."""
    return json.dumps(value, ensure_ascii=False)


@cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes longer than the whole request: once per process.
    return ssl.create_default_context()


@dataclass(frozen=True)
class _Rest:
    """One back end with an API key and idempotent writes; `name` is what its errors call it."""

    name: str
    url: str
    api_key: str
    header: str = "X-Api-Key"

    async def read(self, path: str, **params: str) -> dict[str, Any]:
        """Look something up."""
        found: dict[str, Any] = (await self._call("GET", path, params=params)).json()
        return found

    async def read_file(self, path: str, **params: str) -> httpx.Response:
        """Get a file: `content`, and what the headers say of it."""
        return await self._call("GET", path, params=params)

    async def write(
        self, method: str, path: str, body: Mapping[str, Any], key: str, **headers: str
    ) -> dict[str, Any]:
        """Change something once: repeating it with the same `key` changes nothing more. Headers
        are named with `_` for `-`."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Idempotency-Key": key, **more}
        answer = await self._call(method, path, json=dict(body), headers=sent)
        made: dict[str, Any] = answer.json()
        return made

    async def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = await self._send(method, path, request)
        if answer.is_success:
            return answer
        raise BackOfficeError(self._refusal(answer))

    async def _send(
        self, method: str, path: str, request: Mapping[str, Any], *, before: int | None = None
    ) -> httpx.Response:
        """Send, and once more if it is not known whether the first one was carried out: `before` is
        the status of that answer, 0 if there was none.

        Raises OutcomeUnknownError for a write of which nobody knows it after that either.
        """
        doubtful = before is not None
        headers = {self.header: self.api_key}
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                httpx.AsyncClient(base_url=self.url, headers=headers, verify=_tls()) as http,
            ):
                answer = await http.request(method, path, timeout=TIMEOUT_S, **request)
        except httpx.ConnectError as error:
            if before in (None, UNAVAILABLE):
                said = f"The {self.name} cannot be reached. Nothing was changed."
                raise BackOfficeError(said) from error
            raise OutcomeUnknownError(self._unsure("did not answer", method, path)) from error
        except (httpx.TransportError, TimeoutError) as error:
            if doubtful and method == "GET":
                said = f"The {self.name} did not answer {method} {path}."
                raise BackOfficeError(said) from error
            if doubtful:
                raise OutcomeUnknownError(self._unsure("did not answer", method, path)) from error
            status = 0
        else:
            status = answer.status_code
            settled = not perhaps_done(status) and not still_unknown(status, before)
            if method == "GET" or settled or status == before == UNAVAILABLE:
                return answer
            if doubtful:
                raise OutcomeUnknownError(self._unsure(f"failed (HTTP {status}) at", method, path))
        return await self._send(method, path, request, before=status)

    def _unsure(self, how: str, method: str, path: str) -> str:
        return (
            f"The {self.name} {how} {method} {path}. It is not known whether the change was made."
        )

    def _refusal(self, answer: httpx.Response) -> str:
        return refused(
            f"The {self.name}",
            answer.status_code,
            words_of(answer.text),
            later=answer.headers.get("Retry-After"),
            nothing="Nothing was changed.",
        )


Rest = _Rest  # by its own name in the suite of crashes


def path_of(*steps: str) -> str:
    """A path of these steps, which an agent may have named: none can leave its place.

    Raises BackOfficeError.
    """
    for step in steps:
        if not step.strip("."):
            raise BackOfficeError(f"{step!r} is no id. Nothing was changed.")
    return "".join(f"/{quote(step, safe='', errors='replace')}" for step in steps)


@dataclass(frozen=True)
class Crm:
    """The CRM's API as its tools need it."""

    api: _Rest

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Crm:
        """Reads `crm_url` and `crm_api_key`."""
        url, key = str(setting(settings, "crm_url")), str(setting(settings, "crm_api_key"))
        return cls(_Rest("CRM", url, key))

    async def customers(self, name: str) -> list[dict[str, Any]]:
        """Customers whose name contains `name`, with price, discount, contact and opportunities."""
        answer = await self.api.read("/customers", name=name)
        customers: list[dict[str, Any]] = answer["customers"]
        return customers

    async def opportunity(self, opportunity_id: str) -> dict[str, Any]:
        """One opportunity as it is now. Raises PreconditionFailedError if the CRM refuses."""
        try:
            return await self.api.read(path_of("opportunities", opportunity_id))
        except BackOfficeError as error:
            raise PreconditionFailedError(str(error)) from error

    async def write(
        self, method: str, path: str, body: Mapping[str, Any], key: str
    ) -> dict[str, Any]:
        """Change something once: repeating it with the same `key` changes nothing more."""
        return await self.api.write(method, path, body, key)


@dataclass(frozen=True)
class Provisioning:
    """The provisioning system's API as its tools need it."""

    api: _Rest

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Provisioning:
        """Reads `provisioning_url` and `provisioning_api_key`."""
        url = str(setting(settings, "provisioning_url"))
        return cls(
            _Rest("provisioning system", url, str(setting(settings, "provisioning_api_key")))
        )

    async def offers(self, kind: str = "") -> list[dict[str, Any]]:
        """What can be ordered of this kind (all if empty), with prices and regions."""
        offers: list[dict[str, Any]] = (await self.api.read("/catalog", kind=kind))["offers"]
        return offers

    async def resources(self) -> list[dict[str, Any]]:
        """Everything that exists, networks included."""
        resources: list[dict[str, Any]] = (await self.api.read("/resources"))["resources"]
        return resources

    async def add(self, path: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Make one change: repeating it with the same `key` changes nothing more."""
        return await self.api.write("POST", path, body, key)


@dataclass(frozen=True)
class Sent:
    """A letter that was handed in."""

    message_id: str
    accepted: tuple[str, ...]
    """Addresses for which the server took it."""
    refused: Mapping[str, str]
    """Addresses for which the server did not take it, and why."""


@dataclass(frozen=True)
class Mail:
    """Where mail is handed in, and who sends it."""

    host: str
    port: int
    sender: str

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Mail:
        """Reads `smtp_host`, `smtp_port` and `mail_from`."""
        return cls(
            str(setting(settings, "smtp_host")),
            int(setting(settings, "smtp_port")),
            str(setting(settings, "mail_from")),
        )

    async def send(
        self, to: str, subject: str, body: str, key: str, files: Mapping[str, bytes] = NO_FILES
    ) -> Sent:
        """Hand one letter in; its Message-ID is the same for the same `key`.

        A server may take it for some of several addresses and refuse the others: that is no error,
        or else it would be sent to the first ones again.
        """
        message = EmailMessage()
        try:
            message["From"], message["To"], message["Subject"] = self.sender, to, subject
        except ValueError as error:  # a line break in a header would be header injection
            raise BackOfficeError(f"The mail was not sent: {error}") from error
        domain = self.sender.rpartition("@")[2].rstrip("> ")
        message_id = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"
        message["Message-ID"], message["Countersign-Execution"] = message_id, key
        message.set_content(body)
        for name, data in files.items():
            kind = (guess_type(name)[0] or "application/octet-stream").split("/")
            message.add_attachment(data, maintype=kind[0], subtype=kind[1], filename=name)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                refused, _ = await aiosmtplib.send(
                    message, hostname=self.host, port=self.port, timeout=TIMEOUT_S
                )
        except aiosmtplib.SMTPResponseException as error:
            if error.code < _REFUSED:  # an answer that is none, perhaps to the letter itself
                raise OutcomeUnknownError(_UNSURE_MAIL) from error
            raise BackOfficeError(
                f"The mail server refused ({error.code}): {error.message} The mail was not sent."
            ) from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise BackOfficeError(
                f"The mail server refused the address {to}. The mail was not sent."
            ) from error
        except aiosmtplib.SMTPConnectError as error:
            raise BackOfficeError(
                "The mail server cannot be reached. The mail was not sent."
            ) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise OutcomeUnknownError(_UNSURE_MAIL) from error
        told = {who: f"{code} {said}" for who, (code, said) in refused.items()}
        everybody = [address for _, address in getaddresses([to])]
        return Sent(message_id, tuple(who for who in everybody if who not in told), told)
