"""What comes back by mail: an answer, a mail that could not be delivered, or nothing of ours. Pure.

Who sent a mail is what it says of itself, so nothing is ever decided by one. That it names a mail
of ours proves that whoever sent it has seen that one: the ids are random.
"""

from __future__ import annotations

import base64
import email.policy
import re
from collections.abc import Iterable, Iterator
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import parseaddr
from hashlib import sha256
from html import unescape
from typing import Literal
from urllib.parse import unquote

from countersign.approvals.forms.wording import cut, visible
from countersign.approvals.models import Value

MAX_BYTES = 1024 * 1024
"""Of a mail that is read; an answer is some kilobytes, with its quotes."""
SAID_LIMIT = 2_000
REASON_LIMIT = 300
_IDS_LIMIT = 100
_QUOTE_BEGINS = re.compile(
    r"^\s*(>|-{2,}\s*(original|ursprüngliche|weitergeleitete|forwarded)\b|_{10,}\s*$"
    r"|(on|am|le|el|il)\b.{0,200}\b(wrote|schrieb|écrit|escribió|scritto)\b.*:\s*$"
    r"|(from|von|de|da)\s*:\s.*@)",
    re.IGNORECASE,
)
_LINK = re.compile(r"https?://\S+")
_OURS = re.compile(r"[/_]inbox[/_]mail[/_]")
"""Of a link that leads to us. URL Defense by Proofpoint writes `_` for `/`."""
_BETWEEN = re.compile(r"[?&=]")
_TAG = re.compile(
    r"<(style|script|head|blockquote)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE
)
_BREAK = re.compile(r"<br\s*/?>|</(p|div|tr|li|h[1-6])\s*>", re.IGNORECASE)


class Incoming(Value):
    """One mail, as far as it matters."""

    kind: Literal["answer", "bounce", "other"]
    why: str = ""
    """Of another mail: why nothing is done with it. Of a bounce: why it came back."""
    threads: tuple[str, ...] = ()
    """The mails of ours that it names, the nearest first."""
    sender: str = ""
    said: str = ""
    id: str = ""
    """The same whenever the same mail is read again."""


def read(raw: bytes, domain: str) -> Incoming:
    """What a mail is; `domain` is the one in our ids."""
    if len(raw) > MAX_BYTES:
        return _other("it is too long")
    message: EmailMessage = BytesParser(policy=email.policy.default).parsebytes(raw)
    if message.get_content_type() == "multipart/report":
        return _report(message, domain)
    if (why := _automatic(message)) is not None:
        return _other(why)
    threads = tuple(_ids([message], domain))
    if not threads:
        return _other("it answers no mail of ours")
    said = _said(message)
    if not said:
        return _other("it says nothing of its own")
    name = _header(message, "Message-ID").strip()
    return Incoming(
        kind="answer",
        threads=threads,
        sender=parseaddr(_header(message, "From"))[1].lower(),
        said=said,
        id=sha256(name.encode("utf-8", "replace") if name else raw).hexdigest()[:40],
    )


def _other(why: str) -> Incoming:
    return Incoming(kind="other", why=why)


def _automatic(message: Message) -> str | None:
    """Why nobody has written this; None if somebody has. Source: RFC 3834, section 5."""
    if _header(message, "Auto-Submitted").partition(";")[0].strip().lower() not in ("", "no"):
        return "a program has sent it"
    if any(_header(message, name) for name in ("X-Autoreply", "X-Autorespond")):
        return "a program has sent it"
    if _header(message, "Precedence").strip().lower() in ("bulk", "junk", "list", "auto_reply"):
        return "a program has sent it"
    if _header(message, "Return-Path").strip() == "<>":
        return "a program has sent it"
    return None


def _report(message: EmailMessage, domain: str) -> Incoming:
    """A delivery status notification (RFC 3464); other reports, like those that somebody has read
    a mail (RFC 8098), say nothing that we want to know."""
    blocks = [
        block
        for part in message.walk()
        if part.get_content_type() == "message/delivery-status"
        for block in _blocks(part)
        if _header(block, "Action").strip().lower() == "failed"
    ]
    if not blocks:
        return _other("it reports no failure")
    threads = tuple(_ids(message.walk(), domain))
    if not threads:
        return _other("it reports of no mail of ours")
    block = blocks[0]
    said = _header(block, "Diagnostic-Code").partition(";")[2] or _header(block, "Status")
    address = _header(block, "Final-Recipient").partition(";")[2].strip().lower()
    text = " ".join(visible(said).split()) or "no reason was given"
    return Incoming(
        kind="bounce", threads=threads, sender=address, why=cut(text, REASON_LIMIT), id=threads[0]
    )


def _blocks(part: Message) -> Iterator[Message]:
    content = part.get_payload()
    if isinstance(content, list):
        yield from (block for block in content if isinstance(block, Message))


def _ids(parts: Iterable[Message], domain: str) -> Iterator[str]:
    """The ids of ours that these name, the first of which is a mail: a report names that of the
    mail inside it. What somebody attaches to an answer says nothing of what they answer."""
    known = re.compile(rf"<([0-9a-f]{{32}})(?:\.\w{{1,40}})?@{re.escape(domain)}>", re.IGNORECASE)
    found: dict[str, None] = {}
    for number, part in enumerate(parts):
        for name in ("In-Reply-To", "References", "Message-ID"):
            if number == 0 and name == "Message-ID":
                continue
            named = known.findall(_header(part, name))
            found |= dict.fromkeys(reversed(named[-_IDS_LIMIT:]))
        if part.get_content_type() == "text/rfc822-headers":
            found |= dict.fromkeys(known.findall(str(part.get_payload())))
    yield from found


def _said(message: EmailMessage) -> str:
    """What they wrote above what they quote, or beside it, without our links."""
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, ValueError):
        return ""
    if part.get_content_type() == "text/html":
        text = unescape(_TAG.sub("", _BREAK.sub("\n", text)))
    lines = text.replace("\r\n", "\n").split("\n")
    at = next((n for n, line in enumerate(lines) if _QUOTE_BEGINS.match(line)), len(lines))
    own = "\n".join(lines[:at]).strip()
    if not own:  # written below the quote
        own = "\n".join(line for line in lines if not _QUOTE_BEGINS.match(line)).strip()
    return cut(_LINK.sub(_without_ours, visible(own)), SAID_LIMIT)


def _without_ours(found: re.Match[str]) -> str:
    """A link as it stands, or that it was one of ours: also where a gateway has written its own
    address over it, with ours in it, encoded once or twice or as Base64."""
    url = found[0]
    known = [url, unquote(unquote(url)), *(_decoded(part) for part in _BETWEEN.split(url))]
    return "[link]" if any(_OURS.search(each) for each in known) else url


def _decoded(part: str) -> str:
    """What it is as Base64; "" if it is none."""
    try:
        return base64.urlsafe_b64decode(unquote(part) + "=" * (-len(part) % 4)).decode("latin-1")
    except ValueError:
        return ""


def _header(message: Message, name: str) -> str:
    """A header as text; "" if it is missing or cannot be read."""
    try:
        return str(message.get(name) or "")
    except (ValueError, IndexError, AttributeError):  # some broken headers raise when parsed
        return ""
