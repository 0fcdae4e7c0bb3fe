"""Every catalogue of tools: the registry of workflows, and the one of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from countersign.agents.classic.models import ModelSettings, SharedClient, llm_config
from countersign.agents.classic.registry import Registry
from countersign.agents.classic.workflows import WorkflowContext
from countersign.testing.suites.catalog import *  # noqa: F403
from countersign.testing.suites.catalog import CatalogUnderTest
from tests.agents.teams import Effects, pair
from tests.doubles.catalog import QUOTE_SCHEMA, FakeCatalog

LETTER = {"to": "ceo@example.com", "subject": "Hello", "body": "Hello."}


@pytest.fixture(params=["registry", "fake"])
def catalog(request: pytest.FixtureRequest) -> Iterator[CatalogUnderTest]:
    if request.param == "fake":
        known = FakeCatalog({"quote": QUOTE_SCHEMA})
        right = {"customer": "Contoso", "amount": 5}
        yield CatalogUnderTest(known, "sales", "quote", right, ("amount", -1))
        return
    with SharedClient(verify=False) as client:
        registry = Registry(WorkflowContext(llm_config(ModelSettings(api_key="k"), client), {}))
        registry.add(pair(Effects()))
        yield CatalogUnderTest(registry, "pair", "send_email", LETTER, ("subject", 5))
