"""Guard of the pages: the cookie, the token that every form carries, and what browsers may load.

A form counts only with the token of the browser's own session, and from a page of ours by what the
browser says of where it comes from. Whoever only knows the address can neither make nor guess it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from aiohttp import web
from yarl import URL

CSRF = "csrf"
"""The name of the field with the token."""
_LABEL = b"countersign inbox csrf"
SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # With no-referrer browsers say `Origin: null` of our own forms, too.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


def headers(framed_by: str) -> dict[str, str]:
    """Those of a page; `framed_by` are the sites that may show it in a frame."""
    if not framed_by:
        return HEADERS
    policy = SECURITY_POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {framed_by}")
    kept = {name: value for name, value in HEADERS.items() if name != "X-Frame-Options"}
    return {**kept, "Content-Security-Policy": policy}


class Cookies:
    """The one cookie of the pages."""

    def __init__(self, public_url: str):
        """Over https only, if that is how people come here: `__Host-` makes browsers see to it that
        nothing else has set it. Source: RFC 6265bis, "The __Host- Prefix"."""
        self.secure = URL(public_url).scheme == "https"
        self.name = "__Host-countersign" if self.secure else "countersign"

    def read(self, request: web.Request) -> str:
        """What it holds; "" if there is none. In a frame of another site that of the frame."""
        return request.cookies.get(self.name, "") or self.read_tab(request)

    def read_tab(self, request: web.Request) -> str:
        """What the cookie of a frame holds."""
        return request.cookies.get(f"{self.name}-tab", "") if self.secure else ""

    def set_tab(self, response: web.StreamResponse, value: str) -> None:
        """For a frame of another site: browsers keep it apart for each site that has the frame.
        Forms are guarded by their token and by what browsers say of where they come from."""
        # http.cookies knows no Partitioned before Python 3.14, and aiohttp asks it.
        attributes = "Path=/; Secure; HttpOnly; SameSite=None; Partitioned"
        response.headers.add("Set-Cookie", f"{self.name}-tab={value}; {attributes}")

    def set(self, response: web.StreamResponse, value: str) -> None:
        """Have the browser keep it until it is closed. Not with posts from elsewhere; with links
        from elsewhere, because people come from their mail."""
        response.set_cookie(
            self.name, value, path="/", httponly=True, secure=self.secure, samesite="Lax"
        )

    def forget(self, response: web.StreamResponse) -> None:
        """Have the browser drop it."""
        response.del_cookie(self.name, path="/", httponly=True, secure=self.secure, samesite="Lax")


def guest() -> str:
    """A cookie for somebody who is not signed in, so that forms of theirs can carry a token."""
    return secrets.token_urlsafe(32)


def csrf_token(cookie: str) -> str:
    """The token of the forms that this browser is given."""
    return hmac.new(cookie.encode("utf-8", "surrogateescape"), _LABEL, hashlib.sha256).hexdigest()


def is_ours(request: web.Request, public_url: str) -> bool:
    """Whether the browser says that a post comes from a page of this server, or says nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        origins = {str(URL(public_url).origin()), f"{URL(origin).scheme}://{request.host}"}
    except ValueError:
        return False
    return origin in origins


def carries_token(cookie: str, given: object) -> bool:
    """Whether a form carries the token of this cookie."""
    return (
        bool(cookie)
        and isinstance(given, str)
        and hmac.compare_digest(csrf_token(cookie).encode(), given.encode("utf-8", "replace"))
    )
