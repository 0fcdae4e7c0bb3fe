"""Which AutoGen is installed, and whether it is one that the gate was tested with.

Three distributions share names: `autogen` 0.14 and `pyautogen` 0.9 hold the classic `autogen`
module; `pyautogen` 0.10 and `ag2` 1.x hold something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from countersign.approvals.errors import ConfigurationError

SUPPORTED = {"autogen": "0.14", "pyautogen": "0.9"}
"""Distribution name to the release line that is tested."""
# Not by name: the one called countersign in the package registry is somebody else's.
_INSTALL = "in Countersign's folder, pip install '.[classic]'"
_WATCHED = ("autogen", "pyautogen", "ag2")


def installed() -> dict[str, str]:
    """The versions of the distributions that matter here, by name."""
    found: dict[str, str] = {}
    for name in _WATCHED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def problems(found: Mapping[str, str]) -> list[str]:
    """Everything that is wrong with these versions, each with what to do; empty if nothing is."""
    wrong: list[str] = []
    owners = [name for name in ("autogen", "pyautogen", "ag2") if _owns_autogen(name, found)]
    if len(owners) > 1:
        wrong.append(
            f"{' and '.join(owners)} are both installed and overwrite each other's `autogen` "
            f"directory. Remove all of them: pip uninstall {' '.join(owners)}; then {_INSTALL}."
        )
    elif not owners:
        wrong.append(_missing(found))
    else:
        wrong += _unsupported(owners[0], found[owners[0]])
    return wrong


def require_autogen() -> None:
    """Return if a supported AutoGen is installed. Raises ConfigurationError with every problem."""
    wrong = problems(installed())
    if wrong:
        raise ConfigurationError(wrong)


def _owns_autogen(name: str, found: Mapping[str, str]) -> bool:
    """Whether this distribution, in this version, holds the module `autogen`."""
    if name not in found:
        return False
    release = _release(found[name])
    return {"pyautogen": release < (0, 10), "ag2": release < (1, 0)}.get(name, True)


def _missing(found: Mapping[str, str]) -> str:
    if "pyautogen" in found:
        return (
            f"pyautogen {found['pyautogen']} has no `autogen` module (it only pulls in "
            f"autogen-agentchat). Remove it: pip uninstall pyautogen; then {_INSTALL}, "
            "or pip install '.[pyautogen]' for pyautogen 0.9."
        )
    if "ag2" in found:
        return (
            f"ag2 {found['ag2']} has no `autogen` module: ag2 1.x is another framework. "
            f"Remove it: pip uninstall ag2; then {_INSTALL}."
        )
    return f"AutoGen is not installed: {_INSTALL}."


def _unsupported(name: str, found: str) -> list[str]:
    line = SUPPORTED.get(name)
    if line is not None and _release(found) == _release(line):
        return []
    return [
        f"{name} {found} was not tested with the gate. Remove it: pip uninstall {name}; "
        f"then {_INSTALL} (autogen 0.14) or pip install '.[pyautogen]' (pyautogen 0.9)."
    ]


def _release(text: str) -> tuple[int, int]:
    """Major and minor number of a version."""
    major, _, rest = text.partition(".")
    minor = rest.partition(".")[0]
    return int(major), int(minor) if minor.isdigit() else 0
