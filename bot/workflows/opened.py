"""The workflows of a server: built at its start, or late where what they are is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from countersign.agents.classic.late import LateWorkflows
from countersign.bot.importing import nothing_collected
from countersign.bot.settings.sections import Settings
from countersign.bot.workflows.kept_facts import KeptFacts

if TYPE_CHECKING:
    from countersign.agents.classic.registry import Registry

AnyWorkflows: TypeAlias = "Registry | LateWorkflows"


@contextmanager
def open_workflows(settings: Settings, kept_in: Path | None) -> Iterator[AnyWorkflows]:
    """The workflows, for as long as the block takes; what they say of themselves is kept in this
    folder, if there is one. Raises ConfigurationError with all that is wrong with them."""
    with ExitStack() as stack:

        def load() -> Registry:
            with nothing_collected():
                # AutoGen and the OpenAI client: a third of what it costs to start a server.
                from countersign.agents.classic.models import shared_client
                from countersign.bot.workflows.found import load_workflows

                client = stack.enter_context(shared_client(settings.model.timeout_s))
                return load_workflows(settings, client)

        kept = None if kept_in is None else KeptFacts(kept_in, settings)
        facts = None if kept is None else kept.read()
        if kept is not None and facts is not None:
            yield LateWorkflows(facts, load, kept.forget)
            return
        registry = load()
        if kept is not None:
            kept.keep(registry.facts())
        yield registry
