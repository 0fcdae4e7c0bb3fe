"""What is there at the start is refused at the start, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign import Registry, WorkflowContext
from countersign.agents.classic.models import ModelSettings, SharedClient, llm_config
from countersign.approvals.errors import ConfigurationError
from tests.agents.hostile.at_start import CASES
from tests.agents.hostile.frame import Build, Effect, of


@pytest.mark.parametrize(
    ("build", "said"), [pytest.param(build, said, id=name) for name, build, said in CASES]
)
def test_it_is_refused(build: Build, said: str, tmp_path: Path) -> None:
    """The process does not even start with such a workflow."""
    effect = Effect(tmp_path / "effect")
    with SharedClient(trust_env=False, verify=False) as client:
        settings = ModelSettings(api_key="k", base_url="http://127.0.0.1:9/v1")
        registry = Registry(WorkflowContext(llm_config=llm_config(settings, client)))
        with pytest.raises(ConfigurationError) as refused:
            registry.add(of(build, effect))

    assert [] != [problem for problem in refused.value.problems if said in problem]
    assert not effect.happened


def test_there_are_more_than_enough() -> None:
    assert len(CASES) >= 25
