"""Text: cleaned for people to read, and folded for comparison; and how it is encoded.

`clean_text` comes first for every text; what follows expects its result. `match_form` is how two texts are compared:
lower case, letters and digits of any script, no accents, single spaces.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

WHITE_SPACE = " \t\r\n\u00a0\u200b\ufeff"
"""What stands around a value without being part of it."""


_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ")


_AROUND_WORDS = ".,#;"


_BREAK_IN_WORD = re.compile(r"[^ \-']+")


_FLOAT_TAIL = re.compile(r"(\d+)\.0")


_PLAIN_WORDS = re.compile(r"[a-z0-9]+(?: [a-z0-9]+)*")


_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


_FOLDED = str.maketrans(
    "àáâãäåāăąçćčĉċďđèéêëēĕėęěĝğġģĥħìíîïĩīĭįıĵķĺļľŀłñńņňòóôõöøōŏőŕŗřśŝşšșţťŧțùúûüũūŭůűųŵýÿŷźżž",
    "aaaaaaaaacccccddeeeeeeeeegggghhiiiiiiiiijklllllnnnnooooooooorrrsssssttttuuuuuuuuuuwyyyzzz",
) | str.maketrans(
    {
        **dict.fromkeys("'`\u2019\u02bc\u00b4", ""),
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ð": "d",
    }
)


_LETTERS_OF_THEIR_OWN = "йЙїЇўЎ"
"""What looks like an accent is part of the letter."""


class _BaseLetters(dict[int, str]):
    """Letters with accents to the letters alone, in the scripts of which accents can be left out."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        parts = unicodedata.normalize("NFD", letter)
        plain = (
            len(parts) > 1
            and letter not in _LETTERS_OF_THEIR_OWN
            and unicodedata.name(parts[0], "").startswith(("LATIN", "GREEK", "CYRILLIC"))
        )
        self[code] = base = parts[0] if plain else letter
        return base


_BASE_LETTERS = _BaseLetters()


def words(text: str) -> tuple[str, ...]:
    """Return the words of a list that reads better as a text than as a column of quoted strings."""
    return tuple(text.split())


def clean_text(value: str) -> str:
    """Apply Unicode NFKC, drop control and zero-width characters, and leave single spaces, none at the ends."""
    if value.isascii():
        return " ".join((value if value.isprintable() else value.translate(_CONTROLS)).split())
    visible = "".join(character for character in value if unicodedata.category(character) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", visible).translate(_CONTROLS).split())


def composed(text: str) -> str:
    """Join letters with the combining marks that follow them (NFC), where characters between them were taken out."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def match_form(value: str) -> str | None:
    """Return lower-case letters and digits of any script without accents and punctuation; None where nothing is left.

    `José  O'Brien-Müller` becomes `jose obrien muller`.
    """
    lower = value.lower()
    if lower.isascii() and _PLAIN_WORDS.fullmatch(lower):
        return lower
    lower = lower.translate(_FOLDED).translate(_BASE_LETTERS)
    return _NOT_ALPHANUMERIC.sub(" ", without_marks(lower)).strip(" ") or None


def compact_form(value: str) -> str | None:
    """Return lower-case letters and digits with nothing between them; None where nothing is left."""
    return _NOT_ALPHANUMERIC.sub("", value.lower()) or None


def without_marks(text: str) -> str:
    """Drop combining marks: accents that are characters of their own."""
    if text.isascii():
        return text
    return "".join(character for character in text if unicodedata.category(character)[0] != "M")


def display_case(text: str) -> str:
    """Capitalise words where the text is ALL CAPITALS or all lower; leave a text in mixed case alone."""
    return capitalised(text) if is_caseless(text) else text


def is_caseless(text: str) -> bool:
    """Tell whether the case of the letters says nothing."""
    return text in (text.lower(), text.upper())


def capitalised(text: str) -> str:
    """Return `Jean-Luc O'Brien` for `jean-luc o'brien`."""
    if text.isalpha() and text.isascii():
        return text.capitalize()
    return _BREAK_IN_WORD.sub(lambda word: _capital(word[0][0]) + word[0][1:].lower(), text)


def _capital(letter: str) -> str:
    upper = letter.upper()
    return upper if len(upper) == 1 else letter


def without_float_tail(text: str) -> str:
    """Return `80331` for `80331.0`: what is left of an integer that passed through a spreadsheet or a data frame."""
    found = _FLOAT_TAIL.fullmatch(text) if text.endswith(".0") else None
    return found[1] if found else text


def alphanumeric(text: str) -> str | None:
    """Return letters, digits and marks only, upper-case; None where nothing is left."""
    kept = "".join(it for it in text if it.isalnum() or unicodedata.category(it)[0] == "M")
    return kept.upper() or None


def first_word(text: str) -> str:
    """Return the first word, lower-case, without punctuation around it."""
    return text.split(" ", 1)[0].strip(_AROUND_WORDS).lower()


def last_word(text: str) -> str:
    """Return the last word, lower-case, without punctuation around it."""
    return text.rsplit(" ", 1)[-1].strip(_AROUND_WORDS).lower()


def plural(count: int, noun: str) -> str:
    """Write a count with its noun: `1 source`, `2 sources`."""
    ending = "" if count == 1 else "es" if noun.endswith(("s", "x", "ch")) else "s"
    return f"{count:,} {noun}{ending}"


ALLOWED_ENCODINGS = "an encoding that Python knows: UTF-8, Windows-1252, ISO-8859-15, UTF-16, cp500, …"


_NOT_OF_FILES = frozenset({"idna", "punycode", "undefined", "unicode-escape", "unicode_escape", "raw-unicode-escape"})
"""What Python calls encodings of text and no program writes files in."""


def is_encoding(name: str) -> bool:
    """Tell whether a name is that of an encoding that files are written in."""
    try:
        "".encode(name)
        return codecs.lookup(name).name not in _NOT_OF_FILES
    except (LookupError, UnicodeError, ValueError):
        return False


def is_wide(name: str) -> bool:
    """Tell whether ASCII characters have other bytes in an encoding, so that its lines cannot be cut by bytes.

    Args:
        name: of a known encoding: UTF-16, UTF-32, UTF-7 or one of EBCDIC.
    """
    return '"\n'.encode(name) != b'"\n' or codecs.lookup(name).name == "utf-7"
