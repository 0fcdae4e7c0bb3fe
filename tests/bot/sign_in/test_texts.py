"""What the pages of signing in say, they say in every language."""

from __future__ import annotations

from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from countersign.bot import inbox, sign_in, step_up
from countersign.bot.inbox.words import LANGUAGES, LOCALES, SOURCE
from tests.bot.inbox.catalogue import KEYWORDS

TEMPLATES = ("me.html", "step_up.html", "sign_in.html", "teams.html")


def said() -> set[str]:
    """Every text of these pages, as gettext's tools find it."""
    found: set[str] = set()
    code = [("**.py", "python")]
    for folder in (sign_in, step_up):
        (where,) = folder.__path__
        for _, _, text, _, _ in extract_from_dir(where, code, keywords=KEYWORDS):
            found.add(str(text))
    pages = [(f"templates/{name}", "jinja2.ext:babel_extract") for name in TEMPLATES]
    options = {f"templates/{name}": {"newstyle_gettext": "true"} for name in TEMPLATES}
    where = str(Path(inbox.__file__).parent)
    for _, _, text, _, _ in extract_from_dir(where, pages, options, keywords=KEYWORDS):
        found.add(str(text))
    return found


def test_every_text_is_there_in_every_language() -> None:
    texts = said()
    for language in LANGUAGES.keys() - {SOURCE}:
        with (LOCALES / f"{language}.po").open("rb") as file:
            known = {message.id for message in read_po(file) if message.string}

        assert set() == texts - known

    assert "Approve with a passkey" in texts
    assert "You are not known here" in texts
