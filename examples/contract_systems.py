"""The systems that contracts are in: a CLM over HTTP, and DocuSign by its own client."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from countersign import OutcomeUnknownError
from countersign.examples.back_office import BackOfficeError, Rest, path_of, setting
from countersign.examples.redline_runs import DocumentError
from countersign.examples.redlining import MAX_BYTES, Contract
from countersign.examples.refusals import perhaps_done, refused, words_of
from countersign.examples.uses import lane

API = "/public/api/v1/workflows"
DRAFT = "draft"
TIMEOUT_S = (5, 15)
"""To connect, and for each answer, in DocuSign's client. As one number it has to be a whole one:
with 7.5 the client waits for ever (docusign-esign 6.1.0, `RESTClientObject.request`)."""
WITHIN_S = 25.0
_SILENT = "DocuSign did not answer. "

T = TypeVar("T")


@dataclass(frozen=True)
class Draft:
    """A version of a contract's document."""

    version: int
    uploaded_by: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Clm:
    """Where contracts and the versions of their documents are kept."""

    api: Rest

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Clm:
        """Reads `clm_url` and `clm_token`."""
        token = f"Bearer {setting(settings, 'clm_token')}"
        return cls(Rest("CLM", str(setting(settings, "clm_url")), token, "Authorization"))

    async def contracts(self, counterparty: str) -> list[dict[str, Any]]:
        """Those with this other side."""
        found: list[dict[str, Any]] = (await self.api.read(API, counterparty=counterparty))["list"]
        return found

    async def contract(self, contract_id: str) -> dict[str, Any]:
        """One of them."""
        return await self.api.read(API + path_of(contract_id))

    async def draft(self, contract_id: str) -> Draft:
        """The newest version. Raises BackOfficeError, also for what is too large."""
        path = API + path_of(contract_id, "document", DRAFT, "download")
        found = await self.api.read_file(path)
        if len(found.content) > MAX_BYTES:
            raise BackOfficeError(f"{contract_id} is too large a document. Nothing was changed.")
        version = int(found.headers.get("ETag", "").strip('W/"') or 0)
        attributes = (await self.contract(contract_id))["attributes"]
        authors = {each["version"]: each["uploadedBy"] for each in attributes[DRAFT]["versions"]}
        return Draft(version, authors.get(version, "somebody"), found.content)

    async def theirs(self, contract_id: str, us: str) -> int:
        """The newest version that is not ours; 0 if all are."""
        attributes = (await self.contract(contract_id))["attributes"]
        versions = attributes[DRAFT]["versions"]
        return max((each["version"] for each in versions if each["uploadedBy"] != us), default=0)

    async def upload(
        self, contract_id: str, data: bytes, comment: str, *, on: int, key: str
    ) -> dict[str, Any]:
        """Add a version on top of version `on`; refused if there is a newer one."""
        path = API + path_of(contract_id, "document", DRAFT, "versions")
        body = {"comment": comment, "content": base64.b64encode(data).decode()}
        return await self.api.write("POST", path, body, key, If_Match=f'"{on}"')


async def opened(data: bytes, use: Callable[[Contract], T]) -> T:
    """What `use` finds in the document, in a thread: reading one takes its time.

    Raises BackOfficeError if it is none, or `use` raises DocumentError.
    """
    try:
        return await lane("Word").run(lambda: use(Contract(data)), within_s=WITHIN_S)
    except DocumentError as error:
        raise BackOfficeError(f"{error} Nothing was changed.") from error


@dataclass(frozen=True)
class Signer:
    """Somebody who is to sign."""

    name: str
    email: str


@dataclass(frozen=True)
class DocuSign:
    """DocuSign, by docusign-esign, which blocks: every call is made in a thread of its own lane."""

    url: str
    token: str
    account: str

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> DocuSign:
        """Reads `docusign_url` (`https://eu.docusign.net`), `docusign_token` and
        `docusign_account`."""
        names = ("docusign_url", "docusign_token", "docusign_account")
        return cls(*(str(setting(settings, name)) for name in names))

    async def send(
        self, subject: str, name: str, data: bytes, signers: list[Signer], key: str
    ) -> dict[str, str]:
        """Have a DOCX signed, by these one after the other: envelope id and status.

        DocuSign makes a second envelope for the same transaction id, so that is looked for first.
        """
        from docusign_esign import Document, EnvelopeDefinition, Recipients, SignHere, Tabs
        from docusign_esign import Signer as Recipient

        definition = EnvelopeDefinition(
            email_subject=subject,
            status="sent",
            transaction_id=key,
            documents=[
                Document(
                    document_base64=base64.b64encode(data).decode(),
                    name=name,
                    file_extension="docx",
                    document_id="1",
                )
            ],
            recipients=Recipients(
                signers=[
                    Recipient(
                        name=who.name,
                        email=who.email,
                        # Everything is text in DocuSign's JSON, numbers and truth values, too.
                        recipient_id=str(number),
                        routing_order=str(number),
                        tabs=Tabs(
                            sign_here_tabs=[
                                SignHere(
                                    document_id="1",
                                    page_number="1",
                                    x_position="100",
                                    y_position=str(500 + 60 * number),
                                )
                            ]
                        ),
                    )
                    for number, who in enumerate(signers, start=1)
                ]
            ),
        )
        if found := await self._found(key):
            return found
        try:
            made = await self._call(
                lambda api: api.create_envelope(
                    self.account, envelope_definition=definition, _request_timeout=TIMEOUT_S
                ),
                changes="sent",
            )
        except OutcomeUnknownError:
            if found := await self._found_after_all(key):
                return found
            raise
        return {"envelope_id": made.envelope_id, "status": made.status}

    async def status(self, envelope_id: str) -> str:
        """Of an envelope: sent, delivered, completed, declined, voided."""
        found = await self._call(
            lambda api: api.get_envelope(self.account, envelope_id, _request_timeout=TIMEOUT_S)
        )
        return str(found.status)

    async def void(self, envelope_id: str, reason: str) -> None:
        """Take an envelope back that not everybody has signed."""
        from docusign_esign import Envelope

        envelope = Envelope(status="voided", voided_reason=reason)
        try:
            await self._call(
                lambda api: api.update(
                    self.account, envelope_id, envelope=envelope, _request_timeout=TIMEOUT_S
                ),
                changes="voided",
            )
        except OutcomeUnknownError as lost:
            try:
                is_void = await self.status(envelope_id) == "voided"
            except BackOfficeError:
                raise lost from None
            if not is_void:
                raise

    async def document(self, envelope_id: str) -> bytes:
        """The file that is signed. `get_document` gives bytes; its docstring says a file."""
        found = await self._call(
            lambda api: api.get_document(self.account, "1", envelope_id, _request_timeout=TIMEOUT_S)
        )
        return bytes(found)

    async def _found(self, key: str) -> dict[str, str] | None:
        found = await self._call(
            lambda api: api.list_status_changes(
                self.account, transaction_ids=key, _request_timeout=TIMEOUT_S
            )
        )
        for each in found.envelopes or ():
            return {"envelope_id": each.envelope_id, "status": each.status}
        return None

    async def _found_after_all(self, key: str) -> dict[str, str] | None:
        try:
            return await self._found(key)
        except BackOfficeError:
            return None

    async def _call(self, function: Callable[[Any], T], *, changes: str = "") -> T:
        """Raises BackOfficeError if nothing happened, OutcomeUnknownError if nobody knows whether
        the envelope was sent or voided, as `changes` says."""

        def call() -> T:
            return _called(self, function, changes)

        try:
            return await lane("DocuSign").run(call, within_s=WITHIN_S)
        except TimeoutError as error:
            raise _silence(changes) from error


def _called(docusign: DocuSign, function: Callable[[Any], T], changes: str) -> T:
    """In a thread: to import the client takes two seconds, and every call blocks."""
    from docusign_esign import ApiClient, EnvelopesApi
    from docusign_esign.client.api_exception import ApiException
    from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError
    from urllib3.util import Retry

    client = ApiClient(host=f"{docusign.url.rstrip('/')}/restapi")
    client.set_default_header("Authorization", f"Bearer {docusign.token}")
    pools = client.rest_client.pool_manager
    # Else urllib3 sleeps as long as a Retry-After says, and voids again by itself.
    pools.connection_pool_kw["retries"] = Retry(0)
    try:
        return function(EnvelopesApi(client))
    except ApiException as error:
        status = int(error.status or 0)
        if not 400 <= status < 500 or perhaps_done(status):
            raise _silence(changes) from error
        later = error.headers.get("Retry-After") if error.headers else None
        words = words_of(error.body or "") or str(error.reason or "")
        said = refused("DocuSign", status, words, later=later, nothing="Nothing was changed.")
        raise BackOfficeError(said) from error
    except MaxRetryError as error:
        if isinstance(error.reason, NewConnectionError | ConnectTimeoutError):
            said = "DocuSign cannot be reached. Nothing was changed."
            raise BackOfficeError(said) from error
        raise _silence(changes) from error
    except HTTPError as error:
        raise _silence(changes) from error
    finally:
        pools.clear()


def _silence(changes: str) -> BackOfficeError | OutcomeUnknownError:
    if not changes:
        return BackOfficeError(f"{_SILENT}Nothing was changed.")
    return OutcomeUnknownError(f"{_SILENT}It is not known whether the envelope was {changes}.")
