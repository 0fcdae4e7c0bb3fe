"""The CLM's pages for a person: the contracts, and one of them with its tracked changes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from html import escape
from typing import Any

from aiohttp import web

from countersign.sandbox._page import Markup, page, table, tag
from countersign.sandbox.clm.store import KEY, ClmStore

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STYLE = """<style>
.paper { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
         padding: 1.5rem 2rem; max-width: 46rem; line-height: 1.65 }
.paper h2 { margin: 1.2rem 0 .3rem } .paper p { margin: .4rem 0 }
.paper ins, .paper del { text-decoration-thickness: 2px; border-radius: .2rem; padding: 0 .1rem }
.paper del { opacity: .8 }
.by0 { color: #8a3ffc; background: #8a3ffc1a } .by1 { color: #b3261e; background: #b3261e14 }
.by2 { color: #0b6e4f; background: #0b6e4f17 }
@media (prefers-color-scheme: dark) {
  .by0 { color: #c9a6ff } .by1 { color: #ff9d95 } .by2 { color: #7fe0bd } }
</style>"""


def overview(store: ClmStore) -> web.Response:
    """Every workflow with the versions of its document, the latest first."""
    found = store.workflows()
    contracts = [
        (
            Markup(f'<a href="/contracts/{each["id"]}">{each["id"]}</a>'),
            each["title"],
            each["attributes"]["counterpartyName"],
            tag(each["step"]),
            f"version {each['attributes'][KEY]['versions'][-1]['version']}",
        )
        for each in found
    ]
    versions = [
        (each["id"], one["version"], one["uploadedBy"], one["uploadedAt"], one["comment"])
        for each in found
        for one in reversed(each["attributes"][KEY]["versions"])
    ]
    return page(
        "Contracts",
        "A stand-in: what was really written into the documents shows up here.",
        [
            table(
                "Contracts",
                ("Id", "Title", "With", "Step", "Document"),
                contracts,
                empty="None.",
            ),
            table(
                "Versions, the latest first",
                ("Contract", "Version", "Uploaded by", "At", "Comment"),
                versions,
                empty="None.",
            ),
        ],
    )


def contract(store: ClmStore, workflow_id: str) -> web.Response:
    """The newest version of a document, with its changes in the colours of their authors."""
    found = store.workflow(workflow_id)
    version, data = store.data(workflow_id)
    authors: list[str] = []
    body = "".join(_paragraphs(data, authors))
    legend = " · ".join(
        f'<span class="by{n % 3}">{escape(who)}</span>' for n, who in enumerate(authors)
    )
    said = f"Version {version} of {workflow_id}, in step {found['step']}."
    head = f"<p>{legend and f'Tracked changes of {legend}. '}"
    link = f'<a href="/contracts/{escape(workflow_id)}/document.docx">Download</a></p>'
    return page(found["title"], said, [_STYLE, head, link, f'<div class="paper">{body}</div>'])


def _paragraphs(data: bytes, authors: list[str]) -> Iterator[str]:
    from docx import Document

    for paragraph in Document(io.BytesIO(data)).paragraphs:
        style = paragraph.style.name if paragraph.style is not None else ""
        if style == "Title":
            continue
        name = "h2" if style and style.startswith("Heading") else "p"
        inner = "".join(_shown(child, authors) for child in paragraph._p)
        yield f"<{name}>{inner}</{name}>"


def _shown(node: Any, authors: list[str]) -> str:
    if node.tag in (f"{_W}ins", f"{_W}del"):
        who = node.get(f"{_W}author", "")
        if who not in authors:
            authors.append(who)
        name, at = node.tag.rpartition("}")[2], node.get(f"{_W}date", "")
        inner = "".join(_shown(child, authors) for child in node)
        title = escape(f"{who}, {at}", quote=True)
        return f'<{name} class="by{authors.index(who) % 3}" title="{title}">{inner}</{name}>'
    texts = [each.text or "" for each in node.iter(f"{_W}t", f"{_W}delText")]
    text = escape("".join(texts))
    return f"<b>{text}</b>" if node.find(f"{_W}rPr/{_W}b") is not None else text
