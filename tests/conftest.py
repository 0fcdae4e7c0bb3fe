"""What holds for all tests."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import certifi
import pytest
import structlog
from hypothesis import HealthCheck, settings
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.typing import Processor

import countersign.bot.systems  # noqa: F401 - so that systems have their words wherever they stand
from tests.autogen_clients import quicken_clients
from tests.cost import cases, in_memory_too, long, quick, stored_too, without_autogen

PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.dev.set_exc_info,
    ConsoleRenderer(colors=False, exception_formatter=plain_traceback),
]
# A busy machine is no fault of what is tested.
settings.register_profile(
    "countersign", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("countersign")
OBJECTS = 20_000
"""So many more than before, and the collector looks; usually after 700."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--quick` is for `make test-fast`. Of cases that differ in their store only, the stage of all
    tests takes those that are `--stored`, that of the agents on another AutoGen the others."""
    parser.addoption("--quick", action="store_true", help="only the tests that cost little")
    parser.addoption(
        "--in-memory",
        action="store_true",
        help="no case that is there in memory too, and none that no AutoGen has a part in",
    )
    parser.addoption("--stored", action="store_true", help="no case that is there on SQLite too")


def pytest_configure(config: pytest.Config) -> None:
    """Nothing here speaks TLS to the outside: let each client, of this process and of those that it
    starts, read the certificate of one authority and not those of all, which takes 30 to 80 ms of
    CPU. That holds where the environment names a file of all of them, too. Most clients here do not
    look at the environment."""
    one = pytest.MonkeyPatch()
    config.add_cleanup(one.undo)
    if "PYTEST_XDIST_WORKER" not in os.environ:  # it has that of the process that has started it
        folder = TemporaryDirectory(prefix="countersign-authority-")
        config.add_cleanup(folder.cleanup)
        one.setenv("SSL_CERT_FILE", str(one_authority(Path(folder.name))))
    path = os.environ["SSL_CERT_FILE"]
    one.setattr(certifi, "where", lambda: path)  # for clients that do not look at the environment


def one_authority(folder: Path) -> Path:
    """A file with the first of the certificates that httpx would read."""
    end = "-----END CERTIFICATE-----\n"
    path = folder / "authority.pem"
    path.write_text(certifi.contents().partition(end)[0] + end)
    return path


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import what is left out in any case."""
    left_out = (config.getoption("quick") and long(collection_path)) or (
        config.getoption("in_memory") and without_autogen(collection_path)
    )
    return True if left_out else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what costs much, if that is wanted."""
    if config.getoption("quick"):
        short = [item for item in items if quick(item)]
        kept = {item for item, _, case in cases(short) if case == 1}
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]
    for option, twins_of in (("in_memory", in_memory_too), ("stored", stored_too)):
        if not config.getoption(option):
            continue
        twins = twins_of(items)
        config.hook.pytest_deselected(items=[item for item in items if item in twins])
        items[:] = [item for item in items if item not in twins]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Whatever is imported stays: do not look through it again and again for garbage, and seldom
    through what a test has made, of which little is garbage while it runs."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(OBJECTS)
        gc.enable()


def pytest_collection_finish() -> None:
    """Let AutoGen work out only once what is the same for each chat."""
    if "autogen.oai.client" in sys.modules:
        quicken_clients()


@pytest.fixture(autouse=True)
def plain_log() -> None:
    """Log lines that are quick to write: the default renderer takes a second to draw a
    traceback. Tests that set up logging themselves do so after this."""
    structlog.reset_defaults()  # a level that a test before this one has set
    structlog.configure(processors=PROCESSORS, cache_logger_on_first_use=False)
