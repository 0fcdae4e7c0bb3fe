"""The page a person looks at in `make run`: tables that renew themselves, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from aiohttp import web

_STYLE = """
:root { color-scheme: light dark; --line: #d9dce1; --soft: #5b6470; --bg: #f6f7f9; --card: #fff;
        --ink: #16191d; --tag: #e7ecf5; }
@media (prefers-color-scheme: dark) {
  :root { --line: #353b44; --soft: #a3adba; --bg: #14171b; --card: #1d2127;
          --ink: #eceff3; --tag: #2c3543; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
header, main { max-width: 70rem; margin: 0 auto; padding: 1.25rem 1rem 0 }
h1 { font-size: 1.4rem; margin: 0 } header p { margin: .15rem 0 0; color: var(--soft) }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .5rem }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
          border-radius: .6rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .5rem .8rem; border-top: 1px solid var(--line);
         vertical-align: top }
thead th { border-top: 0; color: var(--soft); font-weight: 600; font-size: .85rem;
           white-space: nowrap }
td.short { white-space: nowrap }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.empty { padding: .9rem; color: var(--soft); margin: 0 }
pre { white-space: pre-wrap; margin: 0; font: inherit }
.tag { background: var(--tag); border-radius: 1rem; padding: .05rem .6rem; font-size: .85rem;
       white-space: nowrap }
"""

_RENEW = """
setInterval(async () => {
  try {
    const text = await (await fetch(location.href)).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.querySelector("main").innerHTML, main = document.querySelector("main");
    if (main.innerHTML !== fresh) main.innerHTML = fresh;
  } catch { /* the stand-in was stopped: keep what is shown */ }
}, 2000);
"""


# An id or a point in time: never broken over two lines.
_SHORT = re.compile(r"\S{1,24}|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class Markup(str):
    """Text that is HTML already and must not be escaped again."""

    __slots__ = ()


def tag(text: str) -> Markup:
    """A small label."""
    return Markup(f'<span class="tag">{escape(text)}</span>')


def pre(text: str) -> Markup:
    """Text with its own line breaks."""
    return Markup(f"<pre>{escape(text)}</pre>")


def _cell(value: object) -> str:
    if isinstance(value, Markup):
        return f"<td>{value}</td>"
    if isinstance(value, int | float):
        shown = f"{value:,.2f}" if isinstance(value, float) else str(value)
        return f'<td class="number">{shown}</td>'
    text = "" if value is None else str(value)
    kind = ' class="short"' if _SHORT.fullmatch(text) else ""
    return f"<td{kind}>{escape(text)}</td>"


def table(
    title: str, headers: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str
) -> str:
    """A titled table, or the sentence `empty` when there are no rows."""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in headers)
    inner = (
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        if body
        else f'<p class="empty">{escape(empty)}</p>'
    )
    return f'<section><h2>{escape(title)}</h2><div class="scroll">{inner}</div></section>'


def page(title: str, subtitle: str, sections: Iterable[str]) -> web.Response:
    """A whole page that fetches itself every two seconds."""
    return web.Response(
        content_type="text/html",
        charset="utf-8",
        text=(
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f"<title>{escape(title)}</title>"
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{_STYLE}</style></head><body>"
            f"<header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></header>"
            f"<main>{''.join(sections)}</main><script>{_RENEW}</script></body></html>"
        ),
    )
