"""Who may read the metrics: the `metrics` section of `countersign.yaml`."""

from __future__ import annotations

from pydantic import SecretStr, ValidationInfo, field_validator

from countersign.connectors.secrets import EnvSecret, Reading, Section, named

MIN_LENGTH = 20
"""Characters of the token, as of a person's."""


class MetricsSettings(Section):
    """As it stands in the file."""

    token: EnvSecret = named("token")
    """The bearer token that scrapers send; without the section only this machine reads them."""

    @field_validator("token")
    @classmethod
    def _is_long(cls, token: SecretStr, info: ValidationInfo) -> SecretStr:
        local = isinstance(info.context, Reading) and info.context.local
        if len(token.get_secret_value()) < MIN_LENGTH and not local:
            raise ValueError(
                f"it is shorter than {MIN_LENGTH} characters; use a random one, for example from "
                "`openssl rand -base64 24`."
            )
        return token
