"""The page on which a person signs in: a button for each account, no password."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from aiohttp import web

from countersign.sandbox.oidc.people import Account

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; display: grid; place-items: center;
       min-height: 100vh }
main { width: min(24rem, 100% - 2rem) }
h1 { font-size: 1.3rem; margin: 0 } p { margin: .3rem 0 1.2rem; opacity: .75 }
button { font: inherit; display: block; width: 100%; text-align: left; padding: .7rem 1rem;
         margin: .5rem 0; border: 1px solid; border-radius: .5rem; background: none; color: inherit;
         cursor: pointer }
button:hover, button:focus-visible { outline: 2px solid } small { opacity: .75; display: block }
"""


def _page(title: str, body: str, status: int) -> web.Response:
    return web.Response(
        status=status,
        content_type="text/html",
        charset="utf-8",
        text=(
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{_STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"
        ),
    )


def choose(accounts: Mapping[str, Account], query: Mapping[str, str]) -> web.Response:
    """Whoever presses a button is signed in as that person."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in query.items()
    )
    buttons = "".join(
        f'<button name="person" value="{escape(key)}">{escape(account.name)}'
        f"<small>{escape(account.username)}</small></button>"
        for key, account in accounts.items()
    )
    body = f'<p>A stand-in: nobody asks for a password.</p><form method="post">{hidden}{buttons}'
    return _page("Sign in", f"{body}</form>", 200)


def said(title: str, text: str, status: int = 200) -> web.Response:
    """A page that only says something."""
    return _page(escape(title), f"<p>{escape(text)}</p>", status)
