"""Objections to the words beside an approval: may they ask for something else?

An approval is a yes to exactly what is shown. If its words may ask for something else and are not
changes that can be read, nobody knows what was approved, so it does not count. In doubt it does not
count either: asking once more costs a minute. What counts as doubt is in docs/limits.md. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

from countersign.approvals.forms.wording import cut, in_words
from countersign.connectors.comments.amounts import (
    IN_CURRENCY,
    MONEY,
    MULTIPLIED,
    SYMBOLS,
    meanings,
    measure_names,
    with_digits,
)
from countersign.connectors.comments.assent import ASSENT
from countersign.connectors.comments.shown import Shown
from countersign.connectors.comments.vocabulary import (
    OBJECT,
    Vocabulary,
    letters,
    plain,
)

EVERYDAY = frozenset(
    "a i an the to from on by at in as for of it is and or with up all me my you your we us our go "
    "ok yes good fine thanks this that so do be am are was".split()
)
"""Names of arguments that are in every other sentence: they count before `:` or `=` only."""
_LABELS = frozenset(
    "approved approve approval ok okay yes reason comment note notes fyi ps re genehmigt "
    "freigegeben freigabe grund kommentar ja approuve valide raison motif oui aprobado motivo "
    "comentario approvato aprovado akkoord goedgekeurd reden status decision".split()
)
"""What may stand before a colon and is no name of anything."""
_EMOJI = re.compile(
    r"(?<!\w):(?:thumbs_?up\w*|\+1|ok|ok_hand|white_check_mark|heavy_check_mark|ballot_box_with_check"
    r"|check\w*|tada|rocket|smil\w*|slightly_smiling_face|slight_smile|grin\w*|blush|pray|100|clap"
    r"|raised_hands|heart\w*|star\w*|wink):(?!\w)"
    r"|[:;=]-?\)(?!\w)|(?<!\w)[:;=]-?[dp](?!\w)|\([/yi+]\)|\(\*[rgby]?\)"
)
"""Signs of assent or of good mood; of any other nobody knows what it means."""
_SIGN = re.compile(
    r"(?<!\w):[a-z0-9_+-]*[a-z][a-z0-9_+-]*:(?!\w)|[:;=]-?[(|/](?![\w/])|\([xn!?-]\)"
)
_ASSENT = frozenset("👍👌✅✔☑🙂😀😃😄😁😊😉🙏🎉💯⭐🌟🚀❤💚💪👏🙌🤝🟢✨😎🤗✓°™®©")
_MODIFIERS = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f\u200d]")
_MENTION = re.compile(rf"@{OBJECT}")
_PLUS_ONE = re.compile(r"(?:^|(?<=[\s,.!]))\+1(?=\s*(?:[,.!)\n]|$|from me\b))")
_ADDRESS = re.compile(r"(?:https?|ftp)://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.-]+")
_QUOTED = re.compile(r'"([^"\n]{1,200})"|(?<!\w)\'([^\'\n]{1,200})\'(?!\w)')
_PAIR = re.compile(r"^[\s>*#•·\-+|]*([^:=\n]*?)\s*[:=]+\s*(\S.*)$", re.MULTILINE)
_ARROW = re.compile(r"[-=]+>|[→⇒➔➜⟶]|\t|\|")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_FOR = re.compile(
    r"\b(?:[Ff]or|[Ff]\u00fcr|[Pp]our|[Pp]ara|[Pp]er|[Vv]oor)\s+((?:[A-Z\u00c0-\u00de][\w.&'-]*\s*)+)"
)
"""For whom it is, if that is a name."""
_NOUN = re.compile(
    r"\b(?:(?:the|this|that|your|our|a|standard|normal|emergency) change(?![\w])(?! it| to| from)"
    r"|change (?=request|is|was|looks?|approved|window|plan|ticket|board|management|ok|fine))"
)


def objection(
    words: str,
    vocabulary: Vocabulary,
    what: Shown,
    *,
    changed: Collection[str] | None = None,
) -> str:
    """Why these words may ask for something else than what is shown; empty if they do not.

    `changed` are the arguments for which changes were read, and `what` has their new values: then
    words that announce or explain changes ask for nothing more.
    """
    text = _PLUS_ONE.sub(" ", _MENTION.sub(" ", plain(words)))
    if not text.strip():
        return ""
    explained = frozenset(
        form for name in changed or () for form in (letters(name), letters(in_words(name)))
    )
    text = vocabulary.without_phrases(_EMOJI.sub(" ", text))
    for reason in (
        _sign(text, words, what),
        _not_readable(text, what),
        _name(text, what, explained),
        _pair(text),
        _value(text, what),
        _currency(text, what),
        _measure(text, vocabulary, what),
        _for_another(words, what),
        "" if changed is not None else _spoken_of(text, vocabulary),
        _said("it says", vocabulary.has_condition(_without_noun(text))),
        "" if changed is not None else _said("it says", vocabulary.asks(text)),
        "it asks a question" if "?" in text else "",
        "" if changed is not None else _unknown(text, what),
    ):
        if reason:
            return reason
    return ""


def _sign(text: str, words: str, what: Shown) -> str:
    """A picture or a sign that is no assent (a thumb down, a cross, a stop); `words` are the text
    as it was written."""
    if found := _SIGN.search(_ADDRESS.sub(" ", text)):
        return _said("it has", found[0])
    for character in _MODIFIERS.sub("", words):
        is_sign = not character.isascii() and unicodedata.category(character) in ("So", "Sm", "Po")
        known = character in _ASSENT or character in "·…•‰" or character == OBJECT
        if is_sign and not known and not any(character in shown for shown in what.texts):
            return _said("it has", character)
    return ""


def _not_readable(text: str, what: Shown) -> str:
    if OBJECT in text:
        return "it has something in it that is no text"
    for word in re.findall(r"\w+", text):
        if any(not _is_latin(c) for c in word) and not any(word in known for known in what.texts):
            return _said("nobody here can read", word)
    return ""


def _is_latin(character: str) -> bool:
    if not character.isalpha() or character.isascii():
        return True
    return unicodedata.name(character, "").startswith(("LATIN", "MODIFIER"))


def _name(text: str, what: Shown, explained: Collection[str]) -> str:
    words = f" {letters(text)} "
    for name in what.names - EVERYDAY - frozenset(explained):
        forms = {name, f"{name}s", name.removesuffix("s")} if len(name) > 2 else {name}
        if any(f" {form} " in words or f" {form.replace(' ', '')} " in words for form in forms):
            return _said("it names", name)
    return ""


def _pair(text: str) -> str:
    if _ARROW.search(text):
        return "it has an arrow or a table in it"
    for found in _PAIR.finditer(_ADDRESS.sub(" ", text)):
        if letters(found[1]) not in _LABELS:
            return _said("it has", found[0].strip())
    return ""


def _value(text: str, what: Shown) -> str:
    for address in _ADDRESS.findall(text):
        if not any(address.rstrip(".,;)") in known for known in what.texts):
            return _said("it has", address)
    text = _ADDRESS.sub(" ", text)
    if multiplied := MULTIPLIED.search(text):
        return _said("it has", multiplied[0])
    for written in with_digits(text):
        if not meanings(written) & what.numbers and not _stands_in(written, what.texts):
            return _said("it has", written)
    words = f" {letters(text)} "
    for other in sorted(what.others):
        if f" {letters(other)} " in words:
            return _said("it has", other)
    for currency in MONEY:
        if f" {currency} " in words and not _stands_in(currency, what.texts):
            return _said("it has", currency)
    for quoted in _QUOTED.finditer(text):
        inner = (quoted[1] or quoted[2]).strip()
        if inner and not any(inner in known for known in what.texts):
            return _said("it has", inner)
    return ""


def _currency(text: str, what: Shown) -> str:
    """A number in a currency that is not shown."""
    for found in IN_CURRENCY.finditer(_ADDRESS.sub(" ", text)):
        symbol = found[1] or found[2]
        known = (symbol, *SYMBOLS[symbol])
        if not any(_stands_in(each, (*what.texts, *what.names)) for each in known):
            return _said("it has", found[0])
    return ""


def _measure(text: str, vocabulary: Vocabulary, what: Shown) -> str:
    """A unit or a term that stands nowhere in what is shown."""
    for said in vocabulary.measures(text):
        if not any(_stands_in(each, (*what.texts, *what.names)) for each in measure_names(said)):
            return _said("it says", said)
    return ""


def _for_another(words: str, what: Shown) -> str:
    for found in _FOR.finditer(words):
        names = plain(found[1]).strip(" .,'-")
        if not any(names in known or names.split()[0] in known.split() for known in what.texts):
            return _said("it is for", names)
    return ""


def _unknown(text: str, what: Shown) -> str:
    """The first word that is neither one of a plain yes nor one that is shown."""
    shown = {word for known in what.texts for word in _WORD.findall(known)}
    for word in _WORD.findall(_ADDRESS.sub(" ", text)):
        parts = [part for part in re.split(r"['-]", word) if part]
        known = word in ASSENT or word in shown or all(p in ASSENT or p in shown for p in parts)
        if not known:
            return f"{_said('it says', word)}, which is not known here as a word of assent"
    return ""


def _spoken_of(text: str, vocabulary: Vocabulary) -> str:
    return _said("it says", vocabulary.speaks_of_changes(_without_noun(text)))


def _without_noun(text: str) -> str:
    """The text without “change” where it is the thing that is approved: “Change approved.”"""
    return _NOUN.sub(" ", text)


def _said(how: str, what: str) -> str:
    return f"{how} “{cut(' '.join(what.split()), 60)}”" if what else ""


def _stands_in(written: str, texts: Iterable[str]) -> bool:
    whole = re.compile(rf"(?<!\w){re.escape(written)}(?!\w)")
    return any(whole.search(text) for text in texts)
