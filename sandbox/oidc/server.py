"""The issuer over HTTP: discovery, keys, authorization, tokens, sign-out, and its switches.

Shaped like Microsoft's identity platform v2.0 (`oid`, `tid`, refusals with AADSTS numbers), with
`max_age`, `acr_values` and `iss` in its answers, as others have them. Sources, read 2026-11-30:
OpenID Connect Core 1.0 section 3.1, OpenID Connect Discovery 1.0, RP-Initiated Logout 1.0, RFC
9207 (`iss` in the authorization response), learn.microsoft.com "OpenID Connect on the Microsoft
identity platform" and "ID token claims reference".
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import BasicAuth, web

from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox._record import Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.oidc import page
from countersign.sandbox.oidc.codes import Codes, GrantError
from countersign.sandbox.oidc.control import switches
from countersign.sandbox.oidc.keys import Keys
from countersign.sandbox.oidc.misbehaviour import (
    ELSEWHERE,
    OF_SIGNATURE,
    OF_WAY_BACK,
    Misbehaviour,
    spoiled,
)
from countersign.sandbox.oidc.people import TENANT_ID, Accounts, SignedIn

CLIENT_ID = "7e570000-0000-4000-8000-0000000000bb"
CLIENT_SECRET = "sandbox-oidc-secret"  # noqa: S105 - everybody may know it
COOKIE = "oidc_sandbox"
LIFETIME_S = 3600
_TEAMS = "1fec8e78-bce4-4aaf-ab1b-5451cc387264"
"""The application id of Teams on desktops and phones, which is who asks for a tab's token."""
_HOSTS = frozenset({"127.0.0.1", "localhost"})


def _fault_body(fault: Fault) -> dict[str, Any]:
    return {"error": fault.code or "temporarily_unavailable", "error_description": "AADSTS90033"}


class OidcServer:
    """A running issuer of one tenant with one registered application."""

    def __init__(self) -> None:
        self.accounts, self.keys, self.codes = Accounts(), Keys(), Codes()
        self.misbehaviour, self.faults, self.recorder = Misbehaviour(), Faults(), Recorder()
        self.url = ""
        self.client_id, self.client_secret = CLIENT_ID, CLIENT_SECRET

    @classmethod
    @asynccontextmanager
    async def start(cls, *, host: str = LOOPBACK, port: int = 0) -> AsyncIterator[OidcServer]:
        """Serve until the block ends."""
        issuer = cls()
        app = application(issuer.faults, issuer.recorder, _fault_body)
        app.add_routes(
            [
                web.get(
                    f"/{TENANT_ID}/v2.0/.well-known/openid-configuration", issuer._configuration
                ),
                web.get(f"/{TENANT_ID}/discovery/v2.0/keys", issuer._jwks),
                web.get(f"/{TENANT_ID}/oauth2/v2.0/authorize", issuer._authorize),
                web.post(f"/{TENANT_ID}/oauth2/v2.0/authorize", issuer._chosen),
                web.post(f"/{TENANT_ID}/oauth2/v2.0/token", issuer._token),
                web.get(f"/{TENANT_ID}/oauth2/v2.0/logout", issuer._logout),
                *switches(issuer),
            ]
        )
        async with serve(app, host=host, port=port) as issuer.url:
            yield issuer

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return f"{self.url}/{TENANT_ID}/v2.0"

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {
            "url": self.url,
            "issuer": self.issuer,
            "tenant_id": TENANT_ID,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "people": {key: account.oid for key, account in self.accounts.all.items()},
        }

    def tab_token(self, person: str, resource: str, *, wrong: str = "", **claims: Any) -> str:
        """The token that Teams gives a personal tab for `resource`; `claims` replace the right
        ones, None removes one. Source: learn.microsoft.com, "Enable SSO for tab app" and "Access
        token claims reference", read 2026-11-30."""
        account, now = self.accounts.all[person], int(time.time())
        right = {
            "iss": self.issuer,
            "aud": resource,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_S,
            "ver": "2.0",
            "tid": TENANT_ID,
            "oid": account.oid,
            "sub": account.sub,
            "name": account.name,
            "preferred_username": account.username,
            "azp": _TEAMS,
            "scp": "access_as_user",
        }
        changed = {**spoiled(right, wrong), **claims}
        found = {name: value for name, value in changed.items() if value is not None}
        return self.keys.signed(found, key=wrong if wrong in OF_SIGNATURE else "")

    async def _configuration(self, _: web.Request) -> web.Response:
        base = f"{self.url}/{TENANT_ID}"
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_types_supported": ["code", "id_token"],
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "client_secret_basic",
                ],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response(self.keys.jwks())

    async def _authorize(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        if (refusal := self._stranger(query)) is not None:
            return refusal
        if (error := _unfit(query)) is not None:
            return self._back(query, {"error": "invalid_request", "error_description": error})
        session = self.accounts.session(request.cookies.get(COOKIE))
        prompt, max_age = query.get("prompt", ""), query.get("max_age")
        old = (
            session is not None
            and max_age is not None
            and (time.time() - session.auth_time >= int(max_age))
        )
        if session is None or old or prompt in ("login", "select_account"):
            if prompt == "none":
                return self._back(query, {"error": "login_required"})
            return page.choose(self.accounts.all, query)
        return self._granted(query, session)

    async def _chosen(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if (refusal := self._stranger(form)) is not None:
            return refusal
        if form.get("person") not in self.accounts.all:
            return self._back(form, {"error": "access_denied"})
        acr = form.get("acr_values", "").split(" ")[0] or "1"
        cookie, session = self.accounts.sign_in(form["person"], acr=acr)
        answer = self._granted(form, session)
        answer.set_cookie(COOKIE, cookie, httponly=True, samesite="Lax")
        return answer

    def _granted(self, asked: Mapping[str, str], session: SignedIn) -> web.Response:
        wrong, now, account = self.misbehaviour.take(), int(time.time()), session.account
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_S,
            "auth_time": session.auth_time,
            "acr": session.acr,
            "sid": session.sid,
            "ver": "2.0",
            "tid": TENANT_ID,
            "oid": account.oid,
            "sub": account.sub,
            "name": account.name,
            "email": account.username,
            "preferred_username": account.username,
            **({"nonce": asked["nonce"]} if "nonce" in asked else {}),
        }
        code = self.codes.give(
            asked["redirect_uri"], asked["code_challenge"], spoiled(claims, wrong), wrong=wrong
        )
        return self._back(asked, {"code": code}, wrong=wrong)

    def _back(
        self, asked: Mapping[str, str], said: dict[str, str], *, wrong: str = ""
    ) -> web.Response:
        """Redirect to the application."""
        answer = {**said, "state": asked.get("state", ""), "iss": self.issuer}
        if wrong in OF_WAY_BACK:
            name = "iss" if wrong.endswith("iss") else "state"
            answer.pop(name)
            if wrong.startswith("wrong"):
                answer[name] = ELSEWHERE if name == "iss" else "of-another-browser"
        location = f"{asked['redirect_uri']}?{urlencode({k: v for k, v in answer.items() if v})}"
        return web.Response(status=302, headers={"Location": location})

    @staticmethod
    def _stranger(asked: Mapping[str, str]) -> web.Response | None:
        """A refusal that is shown here, for nobody knows where the browser would be sent."""
        if asked.get("client_id") != CLIENT_ID:
            return page.said("Not signed in", "AADSTS700016: There is no such application.", 400)
        where = urlsplit(asked.get("redirect_uri", ""))
        if where.hostname not in _HOSTS or where.query:
            return page.said("Not signed in", "AADSTS50011: The redirect URI does not match.", 400)
        return None

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if _client(request, form) != (CLIENT_ID, CLIENT_SECRET):
            return _refused(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        if form.get("grant_type") != "authorization_code":
            return _refused(400, "unsupported_grant_type", "AADSTS70003")
        habits = self.misbehaviour
        try:
            granted = self.codes.redeem(
                form.get("code", ""),
                form.get("redirect_uri", ""),
                form.get("code_verifier", ""),
                again=habits.takes_codes_again,
                any_verifier=habits.ignores_pkce,
            )
        except GrantError as exc:
            return _refused(400, "invalid_grant", str(exc))
        if granted.wrong == "not_json":
            return web.Response(text="<h1>Gateway</h1>", content_type="text/html")
        key = granted.wrong if granted.wrong in OF_SIGNATURE else ""
        said = {"token_type": "Bearer", "expires_in": LIFETIME_S, "scope": "openid profile"}
        if granted.wrong != "no_id_token":
            said["id_token"] = self.keys.signed(granted.claims, key=key)
        return web.json_response({**said, "access_token": secrets.token_urlsafe(24)})

    async def _logout(self, request: web.Request) -> web.StreamResponse:
        self.accounts.sign_out(request.cookies.get(COOKIE))
        back = request.query.get("post_logout_redirect_uri", "")
        if urlsplit(back).hostname in _HOSTS:
            return web.Response(status=302, headers={"Location": back})
        return page.said("Signed out", "You are signed out of the stand-in.")


def _unfit(query: Mapping[str, str]) -> str | None:
    """What is wrong with a request for a code; None if nothing is."""
    if query.get("response_type") != "code":
        return "AADSTS700054: response_type must be code"
    if "openid" not in query.get("scope", "").split():
        return "AADSTS90014: the scope openid is missing"
    if not query.get("code_challenge") or query.get("code_challenge_method") != "S256":
        return "AADSTS501491: a code_challenge with the method S256 is needed"
    max_age = query.get("max_age")
    if max_age is not None and not max_age.isdecimal():
        return "AADSTS90002: max_age must be a number of seconds"
    return None


def _client(request: web.Request, form: Mapping[str, str]) -> tuple[str, str]:
    given = request.headers.get("Authorization")
    if given is None:
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        decoded = BasicAuth.decode(given)
    except ValueError:
        return "", ""
    return decoded.login, decoded.password


def _refused(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)
