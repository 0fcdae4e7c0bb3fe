"""Mail programs: what people's programs make of a mail that they were sent."""

from __future__ import annotations

import email.policy
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import make_msgid, parseaddr
from typing import Any

DOMAIN = "mailbox.sandbox"


def parsed(raw: bytes) -> EmailMessage:
    """A mail as programs read it."""
    return BytesParser(policy=email.policy.default).parsebytes(raw)


def text_of(message: EmailMessage) -> str:
    """What people read of it without HTML."""
    part = message.get_body(("plain", "html"))
    return "" if part is None else str(part.get_content())


def reply(of: EmailMessage, who: str, text: str, *, style: str = "top") -> EmailMessage:
    """Above the quote, below it, as Outlook quotes, or in HTML alone."""
    message = _answer(of, who, f"Re: {of['Subject']}")
    quoted = "\n".join(f"> {line}" for line in text_of(of).splitlines())
    head = f"On Mon, 30 Nov 2026 at 10:00, Approvals <{_sender(of)}> wrote:"
    match style:
        case "bottom":
            message.set_content(f"{head}\n{quoted}\n\n{text}\n")
        case "outlook":
            block = f"From: Approvals <{_sender(of)}>\nSubject: {of['Subject']}\n\n{text_of(of)}"
            message.set_content(f"{text}\n\n-----Original Message-----\n{block}\n")
        case "html":
            message.set_content(
                f"<div>{text}</div><blockquote>{text_of(of)}</blockquote>", subtype="html"
            )
        case _:
            message.set_content(f"{text}\n\n{head}\n{quoted}\n")
    return message


def forward(of: EmailMessage, who: str, to: str) -> EmailMessage:
    """To somebody else, whole and attached."""
    message = EmailMessage()
    message["From"], message["To"] = who, to
    message["Subject"] = f"Fwd: {of['Subject']}"
    message["Message-ID"] = make_msgid(domain=DOMAIN)
    message["References"] = str(of["Message-ID"])
    message.set_content(f"FYI\n\n---------- Forwarded message ----------\n{text_of(of)}\n")
    message.add_attachment(of)
    return message


def out_of_office(of: EmailMessage, who: str) -> EmailMessage:
    """As vacation programs answer (RFC 3834)."""
    message = _answer(of, who, f"Automatic reply: {of['Subject']}")
    message["Auto-Submitted"] = "auto-replied"
    message.set_content("I am away until Monday. Yes, approved in general.\n")
    return message


def read_receipt(of: EmailMessage, who: str) -> EmailMessage:
    """A message disposition notification (RFC 8098)."""
    fields = f"Final-Recipient: rfc822;{who}\nOriginal-Message-ID: {of['Message-ID']}\n"
    said = f"{fields}Disposition: manual-action/MDN-sent-manually; displayed\n"
    return _report(of, who, "disposition-notification", said, "Your message was displayed.")


def bounce(of: EmailMessage, who: str, why: str, *, action: str = "failed") -> EmailMessage:
    """A delivery status notification (RFC 3464)."""
    status = "5.1.1" if action == "failed" else "4.4.1"
    said = (
        f"Reporting-MTA: dns;{DOMAIN}\n\nFinal-Recipient: rfc822;{who}\nAction: {action}\n"
        f"Status: {status}\nDiagnostic-Code: smtp; {why}\n"
    )
    message = _report(of, f"MAILER-DAEMON@{DOMAIN}", "delivery-status", said, "Not delivered.")
    headers = EmailMessage()
    headers.set_content("".join(f"{name}: {value}\n" for name, value in of.items()))
    headers.replace_header("Content-Type", "text/rfc822-headers")
    message.attach(headers)
    return message


def _report(of: EmailMessage, who: str, kind: str, said: str, words: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = who, _sender(of)
    message["Subject"], message["Message-ID"] = words, make_msgid(domain=DOMAIN)
    message["Auto-Submitted"] = "auto-replied"
    message.make_mixed()
    message.replace_header("Content-Type", f"multipart/report; report-type={kind}")
    human = EmailMessage()
    human.set_content(words)
    message.attach(human)
    parts = BytesParser(policy=email.policy.default).parsebytes(
        f"Content-Type: message/{kind}\n\n{said}".encode()
    )
    message.attach(parts)
    return message


def _answer(of: EmailMessage, who: str, subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = who, _sender(of)
    message["Subject"], message["Message-ID"] = subject, make_msgid(domain=DOMAIN)
    message["In-Reply-To"] = str(of["Message-ID"])
    message["References"] = f"{of.get('References', '')} {of['Message-ID']}".strip()
    return message


def _sender(of: EmailMessage) -> str:
    return parseaddr(str(of["From"]))[1]


ACTS: Mapping[str, Callable[..., EmailMessage]] = {
    "reply": reply,
    "forward": forward,
    "out_of_office": out_of_office,
    "read_receipt": read_receipt,
    "bounce": bounce,
}


def done(of: EmailMessage, do: str, who: str, **more: Any) -> EmailMessage:
    """What comes of it when somebody's program does this. Raises KeyError, TypeError."""
    return ACTS[do](of, who, **more)
