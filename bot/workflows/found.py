"""The workflows of the configuration: imported, built and checked once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import countersign
from countersign.agents.classic.models import ModelSettings as AgentModel
from countersign.agents.classic.models import SharedClient, llm_config
from countersign.agents.classic.registry import Registry
from countersign.agents.classic.workflows import WorkflowContext
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Effect
from countersign.approvals.rules.policy import Policy
from countersign.bot.settings.sections import Settings

OURS = Path(countersign.__file__).parent
"""From where the parts of this program must not be imported under a second name."""


def load_workflows(settings: Settings, client: SharedClient) -> Registry:
    """Import, build and check every workflow once. Raises ConfigurationError with all problems."""
    registry, problems = sound_workflows(settings, client)
    if problems:
        raise ConfigurationError(problems)
    return registry


def sound_workflows(settings: Settings, client: SharedClient) -> tuple[Registry, Sequence[str]]:
    """The workflows that can be used, and what is wrong with the others.

    Modules beside the configuration file can be imported from now on, wherever the server started:
    a program that was installed has no folder of its own to look in.
    """
    beside = Path(settings.source).absolute().parent
    if beside != OURS and str(beside) not in sys.path:
        sys.path.insert(0, str(beside))
    policy = settings.policy
    model = AgentModel(
        model=settings.model.name,
        api_key=settings.model.api_key.get_secret_value(),
        base_url=settings.model.base_url,
        azure_api_version=settings.model.api_version,
        timeout_s=settings.model.timeout_s,
    )
    config = llm_config(model, client)
    registry = Registry(
        WorkflowContext(llm_config=config, settings=settings.workflow_settings),
        needs_rationale=lambda tool: _asks(policy, tool),
    )
    try:
        registry.load(*settings.workflow_modules)
    except ConfigurationError as exc:
        return registry, exc.problems
    return registry, ()


def _asks(policy: Policy, tool: str) -> bool:
    """Whether the model must give a reason for a call: it must unless nobody will read it."""
    rules = policy.rules_for(tool)
    return not rules or any(rule.effect is not Effect.ALLOW for rule in rules)
