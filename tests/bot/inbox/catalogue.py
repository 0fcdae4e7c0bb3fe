"""Every text of the pages, as gettext's tools find it in templates and code."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from countersign.bot import inbox, sign_in, step_up

FOLDERS = [Path(path) for each in (inbox, sign_in, step_up) for path in each.__path__]
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
}


def texts(folders: Iterable[Path] = FOLDERS) -> Catalog:
    """All of them in these folders."""
    found = Catalog()
    methods = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
    options = {"**.html": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}
    for folder in folders:
        for file, line, message, comments, context in extract_from_dir(
            str(folder), methods, options, keywords=KEYWORDS
        ):
            found.add(message, None, [(file, line)], auto_comments=comments, context=context)
    return found
