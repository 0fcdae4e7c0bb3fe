"""Authentication of activities: who sent this one; every doubt is a PermissionError."""

from __future__ import annotations

from types import SimpleNamespace

import jwt
import structlog
from aiohttp import web
from botbuilder.integration.aiohttp import (
    ConfigurationBotFrameworkAuthentication,
    ConfigurationServiceClientCredentialFactory,
)
from botframework.connector.auth import (
    AuthenticateRequestResult,
    AuthenticationConstants,
    ClaimsIdentity,
)
from botframework.connector.auth.jwt_token_extractor import JwtTokenExtractor
from botframework.connector.auth.verify_options import VerifyOptions

from countersign.approvals.errors import UnavailableError
from countersign.bot.http.bodies import authorization
from countersign.bot.teams.connector import ConnectorClients
from countersign.bot.teams.hosts import service_url_allowed
from countersign.bot.teams.keys import SigningKeys
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.addresses import LOOPBACK

log = structlog.get_logger()

CLOCK_TOLERANCE_S = 5 * 60


def vendor_configuration(settings: TeamsSettings) -> SimpleNamespace:
    """The settings under the names that the vendor reads.

    A missing or misspelt APP_TYPE silently means "multi-tenant with authentication off" there, so
    it is always given.
    """
    if not settings.app_id:
        return SimpleNamespace(APP_ID="", APP_PASSWORD="", APP_TYPE="MultiTenant")
    return SimpleNamespace(
        APP_ID=settings.app_id,
        APP_PASSWORD=settings.app_password.get_secret_value(),
        APP_TYPE=settings.app_type,
        APP_TENANTID=settings.tenant_id,
    )


class BotAuthentication(ConfigurationBotFrameworkAuthentication):  # type: ignore[misc]
    """The vendor's credentials and signature check, with the checks it leaves out.

    Only tokens of the Bot Framework channel service are accepted: the vendor's emulator and skill
    paths, which trust tokens that other applications can obtain, are not used.
    """

    def __init__(
        self,
        settings: TeamsSettings,
        keys: SigningKeys,
        clients: ConnectorClients,
        *,
        local: bool,
    ) -> None:
        configuration = vendor_configuration(settings)
        factory = ConfigurationServiceClientCredentialFactory(configuration)
        super().__init__(configuration, credentials_factory=factory)
        self._settings, self._clients, self._local = settings, clients, local
        self._extractor = JwtTokenExtractor(
            VerifyOptions(
                issuer=[AuthenticationConstants.TO_BOT_FROM_CHANNEL_TOKEN_ISSUER],
                audience=None,  # checked below; the vendor's extractor does not look at it
                clock_tolerance=CLOCK_TOLERANCE_S,
                ignore_expiration=False,
            ),
            settings.openid_metadata_url,
            AuthenticationConstants.ALLOWED_SIGNING_ALGORITHMS,
        )
        self._extractor.open_id_metadata = keys

    async def verify(
        self, activity: IncomingActivity, request: web.Request
    ) -> AuthenticateRequestResult:
        """The verified sender of `activity`, as the vendor's adapter wants it.

        Raises PermissionError with the reason (for the log only) in every other case.
        """
        extra = self._settings.extra_service_hosts
        if not service_url_allowed(activity.service_url, local=self._local, extra=extra):
            raise PermissionError("the service url is not a connector of the channel")
        if self._settings.app_id:
            identity = await self._channel_identity(activity, request)
        else:
            identity = self._local_identity(request)
        result = AuthenticateRequestResult()
        result.claims_identity = identity
        result.audience = AuthenticationConstants.TO_CHANNEL_FROM_BOT_OAUTH_SCOPE
        result.connector_factory = self._clients
        return result

    async def _channel_identity(
        self, activity: IncomingActivity, request: web.Request
    ) -> ClaimsIdentity:
        header = authorization(request)
        try:
            identity = await self._extractor.get_identity_from_auth_header(
                header, activity.channel_id
            )
        except (PermissionError, jwt.PyJWTError, UnavailableError) as error:
            raise PermissionError(str(error)) from error
        except Exception as error:
            # The vendor raises bare Exception, AttributeError and others for bad tokens.
            raise PermissionError(f"{type(error).__name__}: {error}") from error
        if identity is None:
            raise PermissionError("no bearer token of the channel")
        claims = identity.claims
        if claims.get("iss") != AuthenticationConstants.TO_BOT_FROM_CHANNEL_TOKEN_ISSUER:
            # The vendor also takes a list of issuers that equals its own list.
            raise PermissionError("the token is of another issuer")
        if claims.get("aud") != self._settings.app_id:
            raise PermissionError("the token is for another bot")
        if not isinstance(claims.get("exp"), int | float):
            raise PermissionError("the token never expires")
        if claims.get("serviceurl") != activity.service_url:
            raise PermissionError("the token is for another service url")
        # Only Teams vouches for aadObjectId; on other channels the client writes it.
        if activity.channel_id != "msteams":
            raise PermissionError("the channel is not Teams")
        if activity.tenant_id != self._settings.tenant_id:
            raise PermissionError("the activity comes from another tenant")
        return identity

    def _local_identity(self, request: web.Request) -> ClaimsIdentity:
        """Unsigned requests of local clients: this machine only, and no web page in between."""
        if not self._local:
            raise PermissionError("no app id is set")
        if request.remote not in LOOPBACK:
            raise PermissionError("unsigned requests are taken from this machine only")
        if (request.url.host or "") not in LOOPBACK:
            raise PermissionError("unsigned requests must be addressed to loopback")
        return ClaimsIdentity({}, True, AuthenticationConstants.ANONYMOUS_AUTH_TYPE)

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> ConnectorClients:
        """The shared clients, whoever the turn is for: this bot has one identity."""
        return self._clients

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> None:
        """Nothing: the bot signs nobody in, and the vendor would build a client per turn."""
        return
