"""Secrets come from environment variables that the configuration names, and from nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from countersign.bot.settings.sections import ModelSection, ModelSettings
from countersign.connectors.secrets import variable_words

OPENAI_KEY = "OPENAI_API_KEY"
AZURE_KEY = "AZURE_OPENAI_API_KEY"
AZURE_ENDPOINT = "AZURE_OPENAI_ENDPOINT"
SCRIPTED_KEY = "sk-sandbox-model"
"""The scripted model takes any key; the OpenAI client insists on one."""


def secret(variable: str, environ: Mapping[str, str]) -> SecretStr | None:
    """The value of the variable; None if it is unset or blank."""
    value = environ.get(variable, "").strip()
    return SecretStr(value) if value else None


def choose_model(
    section: ModelSection, environ: Mapping[str, str], *, local: bool
) -> ModelSettings | str:
    """The model to use, or the problem with its fix."""
    provider = section.provider
    if provider == "auto":
        if secret(AZURE_KEY, environ) and secret(AZURE_ENDPOINT, environ):
            provider = "azure"
        elif secret(section.api_key_env or OPENAI_KEY, environ):
            provider = "openai"
        elif local and section.base_url is not None:
            provider = "scripted"
        else:
            own = section.api_key_env or OPENAI_KEY
            return (
                "model: there is no model key; export "
                f"{own if own.isupper() else 'what api_key_env names'}, or "
                f"{AZURE_KEY} and {AZURE_ENDPOINT}."
            )
    if provider == "scripted":
        return _scripted(section, local=local)
    variable = section.api_key_env or (AZURE_KEY if provider == "azure" else OPENAI_KEY)
    key = secret(variable, environ)
    if key is None:
        return f"model.api_key_env: {variable_words(variable)} is not set; export your key."
    base_url = None if section.provider == "auto" else _text(section.base_url)
    if provider == "azure":
        base_url = base_url or environ.get(AZURE_ENDPOINT, "").strip() or None
        if base_url is None:
            return f"model.base_url: Azure needs one; give it here or export {AZURE_ENDPOINT}."
    return ModelSettings(
        provider=provider,
        name=section.name,
        base_url=base_url,
        api_key=key,
        api_version=section.api_version if provider == "azure" else None,
        timeout_s=section.timeout_s,
    )


def _scripted(section: ModelSection, *, local: bool) -> ModelSettings | str:
    if not local:
        return "model.provider: the scripted model is for local mode; use openai or azure."
    if section.base_url is None:
        return (
            "model.base_url: say where the scripted model listens, e.g. http://127.0.0.1:8801/v1."
        )
    return ModelSettings(
        provider="scripted",
        name=section.name,
        base_url=_text(section.base_url),
        api_key=SecretStr(SCRIPTED_KEY),
        timeout_s=section.timeout_s,
    )


def _text(url: object) -> str | None:
    return None if url is None else str(url).rstrip("/")
