"""The console's texts in other languages, from the catalogs in `locale`."""

from __future__ import annotations

import ast
import io
import re
import struct
from collections.abc import Iterator
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

LANGUAGES = {
    "en": "English",
    "fr": "Français",
    "pt": "Português",
    "es": "Español",
    "ar": "العربية",
}
"""The languages by code, each in its own words."""
RIGHT_TO_LEFT = frozenset({"ar"})
_FOLDER = Path(__file__).with_name("locale")
_MAGIC = 0x950412DE
_KEYWORD = re.compile(r'(msgid_plural|msgid|msgstr)(?:\[\d\])? (".*")')


@cache
def load(language: str) -> NullTranslations:
    """Return the catalog of a language; English needs none."""
    if language == "en":
        return NullTranslations()
    return GNUTranslations(io.BytesIO(_compile(_read(language))))


def choose(cookie: str, accepted: str) -> str:
    """Return the language of a reader: the chosen one, or the first that the browser names."""
    for name in (cookie, *(part.partition(";")[0].strip() for part in accepted.split(","))):
        if (code := name.partition("-")[0].lower()) in LANGUAGES:
            return code
    return "en"


def _read(language: str) -> dict[str, str]:
    """Return the texts of a catalog by their English text; plural forms are joined by NUL."""
    texts: dict[str, str] = {}
    for entry in (_FOLDER / f"{language}.po").read_text("utf-8").split("\n\n"):
        parts = list(_parts(entry))
        source = "\0".join(text for keyword, text in parts if keyword != "msgstr")
        texts[source] = "\0".join(text for keyword, text in parts if keyword == "msgstr")
    return texts


def _parts(entry: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in entry.splitlines() if not line.startswith("#")]
    for match in _KEYWORD.finditer("\n".join(lines).replace('"\n"', "")):
        yield match[1], ast.literal_eval(match[2])


def _compile(texts: dict[str, str]) -> bytes:
    """Return a catalog in gettext's binary format, which the standard library reads."""
    pairs = [(source.encode(), text.encode()) for source, text in sorted(texts.items())]
    start, tables, content = 28 + 16 * len(pairs), [b"", b""], b""
    for number in (0, 1):
        for pair in pairs:
            tables[number] += struct.pack("<II", len(pair[number]), start + len(content))
            content += pair[number] + b"\0"
    offsets = (0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return struct.pack("<7I", _MAGIC, *offsets) + tables[0] + tables[1] + content
