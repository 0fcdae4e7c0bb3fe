"""Who calls, and what the site answers to credentials that it does not know."""

from __future__ import annotations

import base64
import binascii

from aiohttp import web

from countersign.sandbox.jira.people import Account
from countersign.sandbox.jira.refusals import UNAUTHENTICATED
from countersign.sandbox.jira.site import Site

_LOGIN_FAILED = {
    "WWW-Authenticate": 'OAuth realm="sandbox"',
    "X-Seraph-LoginReason": "AUTHENTICATED_FAILED",
}
_DATA_CENTER_PAGE = (
    "<html><head><title>Unauthorized (401)</title></head><body>Basic Authentication Failure - "
    "Reason : AUTHENTICATED_FAILED</body></html>"
)


class NotAuthenticatedError(Exception):
    """Credentials that the site does not take; `response` says so in its own way."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.text)
        self.response = response


def unauthorized(site: Site, *, gateway: bool) -> NotAuthenticatedError:
    """401 in the three shapes it has: the gateway's, Cloud's and Data Center's.

    None is the ErrorCollection of other refusals. Source: jira-node/node-jira-client issue 255
    and pycontribs/jira issue 1475 (read 2026-11-25).
    """
    if gateway:
        body = {"code": 401, "message": "Unauthorized"}
        return NotAuthenticatedError(web.json_response(body, status=401))
    if site.cloud:
        body = {"message": UNAUTHENTICATED, "status-code": 401}
        return NotAuthenticatedError(web.json_response(body, status=401, headers=_LOGIN_FAILED))
    return NotAuthenticatedError(
        web.Response(
            text=_DATA_CENTER_PAGE, status=401, content_type="text/html", headers=_LOGIN_FAILED
        )
    )


def caller(site: Site, request: web.Request, *, gateway: bool) -> Account | None:
    """The account behind a request, None without credentials. Raises NotAuthenticatedError."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return None
    found: Account | None = None
    if scheme.lower() == "basic":
        found = _basic(site, credentials.strip())
    elif scheme.lower() == "bearer":
        if site.cloud and not gateway:
            # A site's own address takes a bearer token for an app's session token; OAuth goes
            # through api.atlassian.com: https://developer.atlassian.com/cloud/jira/platform/
            # oauth-2-3lo-apps/ (read 2026-11-25).
            body = {"error": "Failed to parse Connect Session Auth Token"}
            raise NotAuthenticatedError(web.json_response(body, status=403))
        found = _bearer(site, credentials.strip())
    if found is None or found.login in site.revoked:
        raise unauthorized(site, gateway=gateway)
    return found


def _basic(site: Site, credentials: str) -> Account | None:
    """Cloud: email and API token. Data Center: name and password."""
    try:
        name, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    account = site.directory.with_email(name) if site.cloud else site.directory.named(name)
    if account is None:
        return None
    return account if secret == (account.token if site.cloud else account.password) else None


def _bearer(site: Site, token: str) -> Account | None:
    """Cloud: an OAuth access token. Data Center: a personal access token."""
    for account in site.directory:
        if token == (account.oauth_token if site.cloud else account.token):
            return account
    return None
