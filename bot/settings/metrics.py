"""Who may read the metrics: the `metrics` section of `countersign.yaml`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, SecretStr

from countersign.approvals.models import Value
from countersign.bot.settings.secrets import secret

MIN_LENGTH = 20
"""Characters of the token, as of a person's."""


class MetricsSettings(Value):
    """As it stands in the file."""

    token_env: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The variable with the bearer token that scrapers send."""


def metrics_token(
    section: MetricsSettings | None, environ: Mapping[str, str], *, local: bool
) -> SecretStr | str | None:
    """The token; a text is what is wrong; None lets only this machine read."""
    if section is None:
        return None
    token = secret(section.token_env, environ)
    if token is None:
        return (
            f"metrics.token_env: the environment variable {section.token_env} is not set; export "
            "it, or remove the section: then only this machine reads the metrics."
        )
    if len(token.get_secret_value()) < MIN_LENGTH and not local:
        return (
            f"metrics.token_env: {section.token_env} is shorter than {MIN_LENGTH} characters; use "
            "a random one, for example from `openssl rand -base64 24`."
        )
    return token
