"""The authorization code flow with PKCE: where the browser is sent, and what its way back proves.

Sources, read 2026-11-30: OpenID Connect Core 1.0 section 3.1, RFC 7636, RFC 9207 (`iss` against
mix-up), RFC 6749 sections 2.3.1 and 4.1.3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlencode

import structlog

from countersign.approvals.errors import UnavailableError
from countersign.approvals.outages import named
from countersign.approvals.ports import Clock
from countersign.bot.sign_in.attempts import Attempt, Purpose, begin, resume
from countersign.bot.sign_in.id_tokens import Expected, Named, UntrustedError, read
from countersign.bot.sign_in.issuer import Issuer, Metadata

log = structlog.get_logger(__name__)

MAX_CODE = 8_000
_POST = "client_secret_post"


class RefusedByIssuerError(UntrustedError):
    """The issuer says that they are not signed in; `code` is its error."""

    def __init__(self, code: str):
        self.code = code
        super().__init__(f"the issuer refuses: {code}")


class NotOursError(UntrustedError):
    """What comes back was not begun in this browser, or too long ago."""


class Flow:
    """Sign-ins with one issuer, which sends browsers back to `redirect_uri`."""

    def __init__(self, issuer: Issuer, redirect_uri: str, clock: Clock):
        self.issuer, self._redirect_uri, self._clock = issuer, redirect_uri, clock

    async def begin(self, secret: str, purpose: Purpose) -> str:
        """Where the browser with this secret is to go. Raises UnavailableError."""
        metadata, settings = await self.issuer.metadata(), self.issuer.settings
        attempt = begin(secret, purpose, self._clock.now())
        query = {
            "client_id": settings.client_id,
            "redirect_uri": self._redirect_uri,
            "response_type": "code",
            "response_mode": "query",
            "scope": " ".join(settings.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        if purpose.is_fresh:  # Entra does not know max_age, others need no prompt
            query |= {"prompt": "login", "max_age": "0"}
            if settings.acr_values:
                query["acr_values"] = " ".join(settings.acr_values)
        join = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{join}{urlencode(query)}"

    async def complete(self, secret: str, answer: Mapping[str, str]) -> tuple[Attempt, Named]:
        """Who has signed in, and for what. Raises NotOursError, RefusedByIssuerError,
        UntrustedError, UnavailableError."""
        attempt = resume(secret, answer.get("state", ""), self._clock.now())
        if attempt is None:
            raise NotOursError("this browser has not begun this sign-in, or too long ago")
        metadata = await self.issuer.metadata()
        self._require_issuer(metadata, answer)
        if "error" in answer:
            raise RefusedByIssuerError(answer["error"][:60])
        code = answer.get("code", "")
        if not code or len(code) > MAX_CODE:
            raise UntrustedError("the issuer gave no code")
        token = await self._redeemed(metadata, code, attempt)
        return attempt, await read(token, self.issuer, self._expected(attempt), self._clock.now())

    def _expected(self, attempt: Attempt) -> Expected:
        settings = self.issuer.settings
        again = attempt.purpose.is_fresh
        fresh_since: datetime | None = attempt.began_at if again else None
        return Expected(
            audiences=(settings.client_id,),
            nonce=attempt.nonce,
            fresh_since=fresh_since,
            acr_values=settings.acr_values if again else (),
        )

    def _require_issuer(self, metadata: Metadata, answer: Mapping[str, str]) -> None:
        """The answer is of the issuer that was asked. Raises UntrustedError."""
        said = answer.get("iss")
        if said is None and metadata.authorization_response_iss_parameter_supported:
            raise UntrustedError("the answer does not say which issuer it is of")
        if said is not None and said != self.issuer.settings.issuer:
            raise UntrustedError("the answer is of another issuer")

    async def _redeemed(self, metadata: Metadata, code: str, attempt: Attempt) -> str:
        """The ID token for a code. Raises UntrustedError, UnavailableError."""
        import httpx  # only where somebody signs in

        settings = self.issuer.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": attempt.verifier,
        }
        secret, auth = settings.client_secret.get_secret_value(), None
        if _POST in metadata.token_endpoint_auth_methods_supported:
            form |= {"client_id": settings.client_id, "client_secret": secret}
        else:
            # RFC 6749 section 2.3.1: both are encoded as in a form first.
            auth = httpx.BasicAuth(quote(settings.client_id, safe=""), quote(secret, safe=""))
        try:
            async with asyncio.timeout(settings.timeout):
                answer = await self.issuer.client.post(
                    metadata.token_endpoint,
                    data=form,
                    auth=auth or httpx.USE_CLIENT_DEFAULT,
                    follow_redirects=False,
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as exc:
            raise UnavailableError(f"The issuer gives no tokens now ({named(exc)}).") from exc
        if answer.status_code >= 500 or answer.status_code == 429:
            raise UnavailableError(f"The issuer answers {answer.status_code} instead of a token.")
        try:
            found = answer.json()
        except ValueError as exc:
            raise UnavailableError("The issuer gives no JSON instead of a token.") from exc
        if answer.status_code != 200 or not isinstance(found, dict):
            error = found.get("error") if isinstance(found, dict) else None
            if error == "invalid_client":
                log.error("sign_in: the issuer does not take client_id and client_secret")
            raise UntrustedError(f"the issuer does not take the code ({str(error)[:60]})")
        token = found.get("id_token")
        if not isinstance(token, str):
            raise UntrustedError("the issuer gave no ID token")
        return token
