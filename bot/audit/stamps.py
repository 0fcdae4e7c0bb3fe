"""Time stamps of checkpoints by an authority (RFC 3161): when a note was there at the latest.

What is stamped is the note as the ledger's key has signed it, so `openssl ts -verify` can check one
as well. The answer is a line of the note, of the kind 0xff that C2SP signed-note leaves to others,
so it goes wherever the checkpoint goes, and whoever does not know it passes over it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from countersign.approvals.audit.notes import line_of, signed_part, split
from countersign.approvals.errors import ConfigurationError, InvalidError, UnavailableError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

KIND = b"\xffcountersign-rfc3161/v1"
TIMEOUT_S = 20.0
ANSWER_MAX = 2**17


class Stamp(NamedTuple):
    """When it was there, and who says so."""

    at: datetime
    authority: str


def key_id(name: str) -> bytes:
    """The four bytes that name a line as a time stamp by the authority at this address."""
    return hashlib.sha256(name.encode() + b"\n" + KIND).digest()[:4]


def name_of(url: str) -> str:
    """How an authority is called in a note: its address without what a name cannot have."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".rstrip("/").replace("+", "-").replace(" ", "-")


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError as exc:
        raise ConfigurationError(
            ["time stamps need more: pip install 'countersign-approvals[notary]'."]
        ) from exc
    return rfc3161_client


def stamp(url: str, note: str) -> str:
    """The line of a new time stamp. Raises UnavailableError or InvalidError.

    Over plain HTTP as well, as most authorities have it: an answer is signed, and it is of our
    nonce.
    """
    import httpx

    library = _library()
    data = signed_part(note).encode()
    builder = library.TimestampRequestBuilder().data(data)
    builder = builder.hash_algorithm(library.HashAlgorithm.SHA256)
    asked = builder.nonce().cert_request().build()
    headers = {"Content-Type": "application/timestamp-query"}
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.post(url, content=asked.as_bytes(), headers=headers)
    except httpx.HTTPError as exc:
        raise UnavailableError(f"{url}: cannot be reached: {exc}.") from exc
    if answer.status_code >= 500 or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise UnavailableError(f"{url} answers {answer.status_code}.")
    if answer.is_error or answer.is_redirect or len(answer.content) > ANSWER_MAX:
        raise InvalidError(f"{url} answers {answer.status_code}, and no time stamp.")
    found = _read(library, answer.content, url)
    if found.tst_info.nonce != asked.nonce:
        raise InvalidError(f"{url} answers with a time stamp of something else.")
    name = name_of(url)
    return line_of(name, key_id(name) + answer.content)


def _read(library: Any, answer: bytes, where: str) -> Any:
    try:
        found = library.decode_timestamp_response(answer)
        if library.PKIStatus(found.status) != library.PKIStatus.GRANTED:
            raise InvalidError(f"{where} refuses: {', '.join(found.status_string)}.")
        found.tst_info.nonce  # noqa: B018 - raises ValueError where there is no token in it
    except ValueError as exc:
        raise InvalidError(f"{where}: is no time stamp: {exc}.") from exc
    return found


def has_stamp(note: str, url: str) -> bool:
    """Whether there is one by this authority."""
    name = name_of(url)
    return any((of, own_id) == (name, key_id(name)) for of, own_id, _ in split(note)[1])


def stamps(note: str, roots: Sequence[Certificate]) -> list[Stamp]:
    """The time stamps of a note, each checked up to one of these certificates.

    Raises InvalidError for one that is of something else, or that leads to none of them.
    """
    lines = [(name, data) for name, own_id, data in split(note)[1] if own_id == key_id(name)]
    if not lines:
        return []
    library = _library()
    builder = library.VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    verifier, message = builder.build(), signed_part(note).encode()
    found = []
    for name, data in lines:
        answer = _read(library, data, f"The time stamp by {name}")
        if answer.tst_info.message_imprint.message != hashlib.sha256(message).digest():
            raise InvalidError(f"The time stamp by {name} is of something else.")
        try:
            verifier.verify_message(answer, message)
        except library.VerificationError as exc:
            raise InvalidError(f"The time stamp by {name} does not verify: {exc}.") from exc
        found.append(Stamp(answer.tst_info.gen_time, name))
    return found


def roots_in(path: Path) -> list[Certificate]:
    """The certificates (PEM) of a file. Raises InvalidError."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise InvalidError(f"{path}: there are no certificates (PEM) in it: {exc}.") from exc
