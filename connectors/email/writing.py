"""A letter as the bytes of a mail: text and HTML that say the same, in one MIME message.

The HTML fetches nothing and runs nothing; it can be read without its styles, dark or light, on a
phone. Headers are never longer than a line may be, so that ids stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from countersign.approvals.forms.values import columns_of_numbers
from countersign.approvals.models import Value
from countersign.connectors.document import Row
from countersign.connectors.email.languages import translated
from countersign.connectors.email.letter import Letter, Link

POLICY = SMTP.clone(max_line_length=998)
"""A folded id is encoded by many mail programs' standards, and then is another one."""
TONES = {
    "asks": ("#8a5300", "#fff3dc"),
    "yes": ("#0b6b35", "#e3f6ea"),
    "no": ("#a1260d", "#fdeae6"),
    "plain": ("#4a5261", "#eceff3"),
}
DARK_TONES = {
    "asks": ("#ffd58a", "#3d2f12"),
    "yes": ("#8fe0b0", "#12351f"),
    "no": ("#ffb3a3", "#43190f"),
    "plain": ("#cdd4df", "#2c323b"),
}
STYLE = """
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media(prefers-color-scheme:dark){
body,.page{background:#14171c!important}
.card{background:#1d2128!important;border-color:#39404b!important}
.ink{color:#eef1f5!important}.soft{color:#aeb7c4!important}
.rule{border-color:#39404b!important}.quote{border-color:#5a6472!important}
.go{background:#4f94ea!important;color:#0b1522!important}.plain{color:#8dbbf5!important}
%s}
@media(max-width:480px){
.card{padding:20px 16px!important}.name,.text{display:block!important;width:auto!important}
.name{padding:7px 0 0!important}.text{padding-top:0!important;border:0!important}
.go{display:block!important}
}
"""
_ADDRESS_MARK = re.compile(r"(?<=\w)[.@:](?=[\w/])")
_SECTION = 'class="soft" style="margin:24px 0 6px;font-size:14px;color:#5a6472"'
_CALL = 'class="ink" style="margin:26px 0 6px;font-size:16px;color:#1d2430"'
_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


class Envelope(Value):
    """Where a mail goes, and to which others it belongs."""

    sender: str
    name: str
    """Of whom it is for."""
    address: str
    message_id: str
    """With its angle brackets, as the others."""
    references: tuple[str, ...] = ()
    at: datetime
    stop_url: str = ""
    """Where one press ends this kind of mail for whom it is for."""
    language: str = "en"
    """Of whom it is for."""
    marker: str = ""
    """Stands before every subject."""


def mail(letter: Letter, envelope: Envelope) -> bytes:
    """The whole message as it goes to the relay."""
    if envelope.stop_url:
        stop = Link(words="Send me no more of these", url=envelope.stop_url)
        letter = letter.model_copy(update={"stop": stop})
    letter = translated(letter, envelope.language)
    message = EmailMessage(policy=POLICY)
    message["From"] = envelope.sender
    local, _, domain = envelope.address.rpartition("@")
    name = "".join(c for c in envelope.name if c.isprintable())
    message["To"] = Address(name, local, domain)
    message["Subject"] = marked(" ".join(letter.subject.split()), envelope.marker)
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = envelope.message_id
    if envelope.references:
        message["In-Reply-To"] = envelope.references[-1]
        message["References"] = " ".join(envelope.references)
    # Out-of-office programs do not answer these. Source: RFC 3834, section 5; [MS-OXCMAIL] 2.1.3.2.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    if envelope.stop_url:
        # Source: RFC 8058, section 3.1.
        message["List-Unsubscribe"] = f"<{envelope.stop_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text(letter), cte="quoted-printable")
    message.add_alternative(html(letter), subtype="html", cte="quoted-printable")
    return message.as_bytes()


def marked(subject: str, marker: str) -> str:
    """A subject with the marker before it: after the mark of an answer, or threads fall apart in
    programs that go by subjects."""
    if not marker:
        return subject
    answer = "Re: " if subject.startswith("Re: ") else ""
    return f"{answer}{marker} {subject.removeprefix(answer)}"


def text(letter: Letter) -> str:
    """As plain text."""
    blocks = [f"{letter.badge.upper()}\n{letter.heading}", *letter.lead]
    if letter.top:
        blocks.append(_lines(letter.top))
    if len(letter.links) == 1:
        blocks += _as_text(letter.links)
    for section in letter.sections:
        lines = _lines((*section.rows, *section.facts))
        blocks.append(f"{section.heading}\n{'-' * len(section.heading)}\n{lines}")
    if len(letter.links) > 1:
        blocks += _as_text(letter.links)
    if letter.small or letter.stop:
        stop = [] if letter.stop is None else [f"{letter.stop.words}: {letter.stop.url}"]
        # No signature mark before it: programs would hide it.
        blocks.append("\n".join(["_" * 40, *letter.small, *stop]))
    return "\n\n".join(blocks) + "\n"


def _as_text(links: Sequence[Link]) -> list[str]:
    return [f"{link.words}:\n{link.url}" for link in links]


def _lines(rows: Iterable[Row]) -> str:
    return "\n".join(
        f"{row.name}: {_hung(row.text)}" if row.name else _hung(row.text) for row in rows
    )


def _hung(said: str) -> str:
    return said.replace("\n", "\n    ")


def html(letter: Letter) -> str:
    """As a page of its own."""
    ink, paper = TONES[letter.tone]
    dark_ink, dark_paper = DARK_TONES[letter.tone]
    style = STYLE % f".badge{{color:{dark_ink}!important;background:{dark_paper}!important}}"
    parts = [
        f'<p style="margin:0 0 12px"><span class="badge" style="display:inline-block;padding:3px '
        f"10px;border-radius:12px;font-size:13px;font-weight:600;color:{ink};background:{paper}"
        f'">{escape(letter.badge)}</span></p>',
        f'<h1 class="ink" style="margin:0 0 12px;font-size:20px;line-height:1.35;color:#1d2430">'
        f"{_unlinked(letter.heading)}</h1>",
        *(_paragraph(line) for line in letter.lead),
    ]
    if letter.top:
        parts.append(_table(letter.top))
    if len(letter.links) == 1:
        parts.append(_button(letter.links[0]))
    for section in letter.sections:
        parts.append(
            f"<h2 {_CALL if section.call else _SECTION}>"
            f"{escape(section.heading)}</h2>{_table((*section.rows, *section.facts))}"
        )
    if len(letter.links) > 1:
        parts += [_plain(link) for link in letter.links]
    if letter.small or letter.stop:
        small = [escape(line) for line in letter.small]
        if letter.stop is not None:
            small.append(
                f'<a class="plain" href="{escape(letter.stop.url)}" style="color:#1257a8">'
                f"{escape(letter.stop.words)}</a>"
            )
        parts.append(
            '<p class="soft rule" style="margin:28px 0 0;padding-top:14px;border-top:1px solid '
            f'#dfe3e8;font-size:13px;line-height:1.5;color:#5a6472">{"<br>".join(small)}</p>'
        )
    return (
        f'<!doctype html><html lang="{letter.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="supported-color-schemes" content="light dark">'
        f"<title>{escape(letter.subject)}</title><style>{style}</style></head>"
        f'<body class="page" style="margin:0;padding:0;background:#eef1f5;{_FONT}">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr>'
        '<td align="center" style="padding:16px 8px">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" '
        'style="max-width:640px"><tr><td class="card" style="background:#ffffff;border:1px solid '
        f'#dfe3e8;border-radius:10px;padding:28px 32px;text-align:left">{"".join(parts)}</td></tr>'
        "</table></td></tr></table></body></html>\n"
    )


def _paragraph(line: str) -> str:
    return (
        '<p class="ink" style="margin:0 0 12px;font-size:15px;line-height:1.55;color:#1d2430;'
        f'overflow-wrap:anywhere;white-space:pre-line">{_unlinked(line)}</p>'
    )


def _table(rows: Sequence[Row]) -> str:
    if all(not row.name for row in rows):
        return "".join(
            '<p class="ink quote" style="margin:0 0 8px;padding-left:12px;border-left:3px solid '
            "#c3cad4;font-size:15px;line-height:1.5;color:#1d2430;overflow-wrap:anywhere;"
            f'white-space:pre-wrap">{_unlinked(row.text)}</p>'
            for row in rows
        )
    cells = "".join(
        _wide(row)
        if row.table
        else '<tr><th scope="row" class="name soft rule" style="width:32%;padding:7px 12px 7px 0;'
        "border-top:1px solid #e9edf1;text-align:left;vertical-align:top;font-size:14px;"
        f'line-height:1.5;font-weight:400;color:#5a6472">{escape(row.name)}</th>'
        '<td class="text ink rule" style="padding:7px 0;border-top:1px solid #e9edf1;'
        "vertical-align:top;font-size:14px;line-height:1.5;color:#1d2430;overflow-wrap:anywhere;"
        f'word-break:break-word;white-space:pre-wrap">{_unlinked(row.text)}</td></tr>'
        for row in rows
    )
    return (
        '<table width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;'
        f'border-collapse:collapse">{cells}</table>'
    )


def _wide(row: Row) -> str:
    """A table below its name, over the whole width."""
    head, *lines = row.table
    numbers = columns_of_numbers(row.table)

    def line(cells: Sequence[str], tag: str, look: str) -> str:
        sides = ["right" if n < len(numbers) and numbers[n] else "left" for n in range(len(cells))]
        return "".join(
            f'<{tag} class="{"soft" if look else "ink"} rule" style="padding:6px 10px 6px 0;'
            f"border-top:1px solid #e9edf1;text-align:{side};vertical-align:top;font-size:13px;"
            f"line-height:1.45;font-weight:400;color:{look or '#1d2430'};overflow-wrap:anywhere;"
            f'font-variant-numeric:tabular-nums">{_unlinked(cell)}</{tag}>'
            for cell, side in zip(cells, sides, strict=True)
        )

    drawn = "".join(f"<tr>{line(cells, 'td', '')}</tr>" for cells in lines)
    return (
        '<tr><td colspan="2" class="rule" style="padding:7px 0;border-top:1px solid #e9edf1">'
        '<p class="soft" style="margin:0 0 4px;font-size:14px;color:#5a6472">'
        f"{escape(row.name)}</p>"
        '<table width="100%" cellpadding="0" cellspacing="0" style="border-collapse:collapse">'
        f"<tr>{line(head, 'th', '#5a6472')}</tr>{drawn}</table></td></tr>"
    )


def _unlinked(said: str) -> str:
    """Words of others, of which no mail program makes a link: what looks like an address is cut by
    an element that shows nothing."""
    return _ADDRESS_MARK.sub(r"<span>\g<0></span>", escape(said))


def _button(link: Link) -> str:
    return (
        f'<p style="margin:20px 0 4px"><a class="go" href="{escape(link.url)}" style="display:'
        "inline-block;padding:12px 22px;border-radius:6px;background:#1257a8;color:#ffffff;"
        f'font-size:15px;font-weight:600;text-align:center;text-decoration:none">'
        f"{escape(link.words)}</a></p>"
    )


def _plain(link: Link) -> str:
    return (
        f'<p style="margin:10px 0;font-size:15px;line-height:1.5;overflow-wrap:anywhere">'
        f'<a class="plain" href="{escape(link.url)}" style="color:#1257a8">'
        f"{escape(link.words)}</a></p>"
    )
