"""Mail programs and gateways, with what each is publicly known to do with a mail: how it looks at
links and rewrites them, how it quotes, and what it answers by itself."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

Fetch = tuple[str, str]
"""A method, and what is added to the address."""
SENDER = "Approvals <approvals@acme.example>"


@dataclass(frozen=True)
class Program:
    """One of them."""

    name: str
    fetches: tuple[Fetch, ...] = ()
    agent: str = "Mozilla/5.0"
    headers: Mapping[str, str] = field(default_factory=dict)
    rewritten: Callable[[str], str] = str
    """What a link has become in the mail that people read and quote."""
    answer: Callable[[str, str], str] | None = None
    """The body of an answer, of what its writer says and the text of the mail."""
    html: bool = False
    automatic: Mapping[str, str] | None = None
    """The headers of what it answers by itself."""


def _encoded(url: str) -> str:
    return quote(url, safe="")


def _quoted(text: str, mark: str = "> ") -> str:
    return "\n".join(f"{mark}{line}" for line in text.splitlines())


def _below(head: str, mark: str = "> ", between: str = "\n") -> Callable[[str, str], str]:
    return lambda said, text: f"{said}\n\n{head}{between}{_quoted(text, mark)}\n"


def _proofpoint_2(url: str) -> str:
    coded = url.replace("-", "-2D").replace("_", "-5F").replace(":", "-3A").replace("/", "_")
    return f"https://urldefense.proofpoint.com/v2/url?u={coded}&d=DwMFaQ&c=x&r=y&m=z&s=s&e="


def _sophos(url: str) -> str:
    coded = base64.b64encode(url.encode()).decode()
    return f"https://eu-west-1.protection.sophos.com/?d=gate.example&u={coded}&i=NWY="


_LOOKS: tuple[Fetch, ...] = (("HEAD", ""), ("GET", ""))
_WROTE = f"On Mon, 30 Nov 2026 at 10:00, {SENDER} wrote:"
_AUTO = "X-Auto-Response-Suppress"

PROGRAMS = (
    # Gateways: they look at a link when the mail comes, again when it is clicked, and write their
    # own address over it.
    Program(
        "Microsoft Defender Safe Links", (*_LOOKS, ("GET", "")),
        rewritten=lambda u: "https://eur01.safelinks.protection.outlook.com/?url="
        f"{_encoded(u)}&data=05%7C02%7C&sdata=abc%3D&reserved=0",
    ),
    Program("Proofpoint URL Defense v2", _LOOKS, rewritten=_proofpoint_2),
    Program(
        "Proofpoint URL Defense v3", _LOOKS,
        rewritten=lambda u: f"https://urldefense.com/v3/__{u}__;!!AbC!xyz$",
    ),
    Program(
        "Mimecast", _LOOKS,
        rewritten=lambda _: "https://protect-eu.mimecast.com/s/AbCd?domain=gate.example",
    ),
    Program(
        "Barracuda", _LOOKS,
        rewritten=lambda u: "https://linkprotect.cudasvc.com/url?a="
        f"{_encoded(u).lower().replace(_token(u).lower(), _token(u))}&c=E,1,abc&typo=1",
    ),
    Program(
        "Cisco Secure Email", _LOOKS,
        rewritten=lambda u: f"https://secure-web.cisco.com/1AbC-x/{_encoded(u)}",
    ),
    Program(
        "Symantec ClickTime", _LOOKS,
        rewritten=lambda u: f"https://clicktime.symantec.com/3AbC?u={_encoded(u)}",
    ),
    Program("Sophos Email", _LOOKS, rewritten=_sophos),
    Program(
        "Trend Micro", _LOOKS,
        rewritten=lambda u: "https://ddei3-0-ctp.trendmicro.com/wis/clicktime/v1/query?url="
        f"{_encoded(u)}&umid=1&auth=2",
    ),
    Program(
        "Trellix", _LOOKS,
        rewritten=lambda u: f"https://protect2.fireeye.com/v1/url?k=1&q=1&e=2&u={_encoded(u)}",
    ),
    # Programs that look at links themselves, or load what is in a mail for their people.
    Program(
        "Gmail", (("GET", "?utm_source=gmail"),), agent="GoogleImageProxy",
        rewritten=lambda u: f"https://www.google.com/url?q={_encoded(u)}&source=gmail&ust=1",
        answer=lambda said, text: f'<div dir="ltr">{said}</div><br><div class="gmail_quote">'
        f'<div dir="ltr" class="gmail_attr">{_WROTE.replace("<", "&lt;")}<br></div>'
        f'<blockquote class="gmail_quote">{text}</blockquote></div>',
        html=True,
    ),
    Program(
        "Apple Mail", _LOOKS, headers={"Purpose": "prefetch"},
        answer=_below(f"> On 30 Nov 2026, at 10:00, {SENDER} wrote:", "> "),
    ),
    Program(
        "Mail on an iPhone", (("GET", ""),), headers={"Sec-Purpose": "prefetch;prerender"},
        answer=lambda said, text: f"{said}\n\nSent from my iPhone\n\n{_below(_WROTE)('', text)}",
    ),
    Program("Skype and Teams previews", (("GET", ""),), agent="SkypeUriPreview Preview/0.5"),
    Program("Slack, of a pasted link", (("GET", ""),), agent="Slackbot-LinkExpanding 1.0"),
    # Ways to quote.
    Program(
        "Outlook for Windows",
        answer=lambda said, text: f"{said}\n\n-----Original Message-----\nFrom: {SENDER}\n"
        f"Sent: Monday, 30 November 2026 10:00\nSubject: Approve\n\n{text}",
    ),
    Program(
        "Outlook on the web",
        answer=lambda said, text: f"{said}\n\n________________________________\nFrom: {SENDER}\n"
        f"Sent: Monday, 30 November 2026 10:00\n\n{text}",
    ),
    Program(
        "Outlook, in German",
        answer=lambda said, text: f"{said}\n\nVon: {SENDER}\nGesendet: Montag, 30. November 2026\n"
        f"Betreff: Genehmigen\n\n{text}",
    ),
    Program("Thunderbird", answer=_below("On 11/30/26 10:00 AM, Approvals wrote:")),
    Program("Thunderbird, in German", answer=_below("Am 30.11.26 um 10:00 schrieb Approvals:")),
    Program(
        "Yahoo Mail",
        answer=_below(
            f"    On Monday, November 30, 2026 at 10:00:00 AM GMT, {SENDER} wrote:  ", " "
        ),
    ),
    Program("Proton Mail", answer=_below(f"------- Original Message -------\n{_WROTE}")),
    Program(
        "Samsung Email",
        answer=lambda said, text: f"{said}\n\n-------- Original message --------\n"
        f"From: {SENDER}\nDate: 30/11/2026 10:00 (GMT+01:00)\n\n{text}",
    ),
    # What programs answer by themselves.
    Program(
        "Exchange, out of office",
        automatic={"Auto-Submitted": "auto-generated", _AUTO: "All", "X-MS-Has-Attach": ""},
    ),
    Program(
        "Gmail, vacation",
        automatic={"Auto-Submitted": "auto-replied", "Precedence": "bulk", "X-Autoreply": "yes"},
    ),
    Program("Sieve, vacation", automatic={"Auto-Submitted": "auto-replied (vacation)"}),
    Program("a ticket system", automatic={"Auto-Submitted": "auto-generated", "X-Loop": "desk"}),
)  # fmt: skip


def _token(url: str) -> str:
    return url.rpartition("/")[2]
