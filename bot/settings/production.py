"""Production checks: a server refuses to start with what only one's own machine may do."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from countersign.bot.http.settings import LimitsSettings
from countersign.bot.settings.sections import ModelSettings
from countersign.connectors.addresses import LOOPBACK

MIN_WEBHOOK_SECRET_BYTES = 32
"""As long as the MAC that it makes. Source: RFC 2104, section 3: "less than L bytes is strongly
discouraged" (read 2026-11-25)."""
WELL_KNOWN = frozenset(
    {
        "clm-sandbox-token",
        "crm-sandbox-key",
        "docusign-sandbox-token",
        "erp-sandbox-key",
        "provisioning-sandbox-key",
        "salesforce-sandbox-secret",
        "sendgrid-sandbox-key",
        "hubspot-sandbox-token",
        "cpq-sandbox-key",
        "sandbox-token-bot",
        "sandbox-webhook-secret",
        "sk-sandbox-model",
        "svc-pass",
        "zendesk-sandbox-token",
    }
)
"""Of the stand-ins, as they are in the file that comes with this program."""
WELL_KNOWN_TOKEN = "local-token-"  # noqa: S105 - what such a token begins with
_SECRET_KEY = re.compile(r"(?i)(token|secret|passw(or)?d|(api|access|private)_?key)$")
_RANDOM = "use a random one, for example from `openssl rand -hex 32`."


def plain_http(url: str) -> bool:
    """Whether what is sent there can be read on the way; to this machine there is no way."""
    parts = urlsplit(url)
    return parts.scheme != "https" and parts.hostname not in LOOPBACK


def insecure_url(path: str, url: str) -> Iterator[str]:
    """An address that others cannot reach, or on the way to which they can listen."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        plain = plain_http(url)
    except ValueError:
        yield f"{path}: {url} is no address."
        return
    if plain:
        yield f"{path}: must be https: what goes there could be read and changed on its way."
    if parts.username or parts.password:
        yield f"{path}: has a name or password in it; take it out."
    if "*" in host or _is_unspecified(host):
        yield f"{path}: {host} is no host that anybody can reach; give the server's own name."


def _is_unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def insecure_tokens(tokens: Mapping[str, SecretStr]) -> Iterator[str]:
    """Bearer tokens, by person id, that everybody knows."""
    for person, token in tokens.items():
        if token.get_secret_value().startswith(WELL_KNOWN_TOKEN):
            yield f"people.{person}: the token is one of local mode, which are known; {_RANDOM}"


def insecure_model(model: ModelSettings) -> Iterator[str]:
    """A key that everybody knows, an address that anybody reads."""
    yield from _known("model.api_key_env", model.api_key)
    if model.base_url is not None:
        yield from insecure_url("model.base_url", model.base_url)


def insecure_section(path: str, section: BaseModel) -> Iterator[str]:
    """What holds for the settings of every system, by the names that its keys have."""
    for name, value in section:
        if isinstance(value, SecretStr):
            yield from _known(f"{path}.{name}_env", value)
        elif isinstance(value, BaseModel):
            yield from insecure_section(f"{path}.{name}", value)
        elif name == "webhook_secrets":
            yield from _webhooks(path, value)
        elif name == "public_url" and value:
            yield from insecure_url(f"{path}.{name}", value)


def _webhooks(path: str, secrets: Iterable[SecretStr]) -> Iterator[str]:
    for secret in secrets:
        value = secret.get_secret_value()
        if value in WELL_KNOWN or len(value.encode()) < MIN_WEBHOOK_SECRET_BYTES:
            yield (
                f"{path}.webhook_secret_env: a secret is well known or shorter than "
                f"{MIN_WEBHOOK_SECRET_BYTES} bytes; {_RANDOM}"
            )


def insecure_limits(limits: LimitsSettings) -> Iterator[str]:
    """Whoever is trusted may say that a request comes from anywhere."""
    for network in limits.trusted_proxies:
        if network.prefixlen == 0:
            yield f"limits.trusted_proxies: {network} is everybody; name the proxy in front of us."


def insecure_workflows(settings: Mapping[str, Any]) -> Iterator[str]:
    """Secrets that stand in the file; those of variables are no plain text here."""
    for key, value in settings.items():
        if isinstance(value, str) and (_SECRET_KEY.search(str(key)) or value in WELL_KNOWN):
            yield (
                f"workflows.settings.{key}: secrets never stand here; write "
                "{env: NAME_OF_A_VARIABLE}."
            )


def _known(path: str, secret: SecretStr) -> Iterator[str]:
    if secret.get_secret_value() in WELL_KNOWN:
        yield f"{path}: the secret is one of the stand-ins', which everybody knows; use your own."
