r"""Recognize a secret in every form that it takes in text, as regular expressions.

A secret is matched character by character, each in all its escapes: `"` is also `\"`, `\\\"`,
`%22` and `&quot;`. So one expression recognizes the secret itself, its `repr`, JSON of any depth,
and the encodings of URLs, forms and HTML. No two alternatives of a character begin alike, except
those of quotes, which CSV, SQL and shells write as several. A long run of quotes is one expression,
with one alternative for each of these, so a match takes linear time.

In base64, three expressions recognize a secret at any position of any text: alone, behind a user
name, or in a whole document.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache, cached_property
from itertools import groupby, pairwise

_NAMED_ESCAPES = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r"}
# JSON in JSON in a repr: an escape may be escaped itself, each time with twice the backslashes.
# In a form or a URL, a backslash is %5C.
_BACKSLASH = r"(?:\\|%(?:25)?5[cC])"
_BACKSLASHES, _BACKSLASHES_OR_NONE = rf"{_BACKSLASH}{{1,47}}+", rf"{_BACKSLASH}{{0,47}}+"
# `pprint` writes a long text as several, and divides it behind white space.
_SEAM = r"""(?:['"]\n[ ]{0,99}+['"])?"""
# CSV and SQL double a quote, and a shell's word has its own for it.
_QUOTES = {"'": ("''", """'"'"'"""), '"': ('""',)}
_LONG_RUN = 5
_LONGEST_ESCAPE = 64
_PIECES = re.compile(r"\r\n|\n|\r|\\+|.", re.DOTALL)
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_PADDING = "(?:=|%3[Dd]){0,2}"
_HEAD, _MIN_ANCHOR = 4, 3
_MAX_PASSWORD = 128
_CUT = re.compile(r"(?:\\+[^\s\\]{0,5}|%[0-9A-Fa-f]{0,2})?(…|\.\.\.|\Z)")
"""The end of a text, or an ellipsis; before it there may be a part of an escape."""


class Pattern:
    """One form of a secret: a regular expression for each of its characters.

    `source` is the whole expression, if it is not just these together.
    """

    def __init__(self, tokens: list[str], source: str = "") -> None:
        self.tokens = tokens
        self.source = source or "".join(tokens)

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The compiled expression."""
        return re.compile(self.source)

    @cached_property
    def anchor(self) -> str:
        """A text that every match contains, which is quick to find; may be empty."""
        plain = "".join(token if len(token) == 1 else " " for token in self.tokens)
        longest = max(plain.split(), key=len, default="")
        return longest if len(longest) >= _MIN_ANCHOR else ""

    @cached_property
    def max_length(self) -> int:
        """The length of the longest match."""
        return sum(1 if len(token) == 1 else _LONGEST_ESCAPE + len(token) for token in self.tokens)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the secret begins and ends."""
        if self.anchor in text:
            for match in self.regex.finditer(text):
                yield match.span()

    def cut_spans(
        self, text: str, windows: Sequence[tuple[int, int]], *, is_end: bool
    ) -> Iterator[tuple[int, int]]:
        """Yield where the beginning of the secret is followed by a cut, in parts of a text."""
        for start, stop in windows if len(self.tokens) > _HEAD else ():
            for match in self._head.finditer(text, start, stop):
                cut = self._cut_after(text, match.end())
                if cut and (cut[1] or is_end):
                    yield match.start(), cut.start(1)

    @cached_property
    def _head(self) -> re.Pattern[str]:
        return re.compile("".join(self.tokens[:_HEAD]))

    def _cut_after(self, text: str, position: int) -> re.Match[str] | None:
        for token in self.tokens[_HEAD:]:
            if len(token) == 1 and text.startswith(token, position):
                position += 1  # quicker for plain characters
            elif match := re.compile(token).match(text, position):
                position = match.end()
            else:
                return _CUT.match(text, position)
        return None  # the secret is complete


def text_pattern(secret: str) -> Pattern:
    """Return the pattern of a secret in all its escapes."""
    pieces: list[str] = _PIECES.findall(secret)
    tokens = [_token(piece, before) for before, piece in pairwise(["", *pieces])]
    return Pattern(tokens, "".join(_with_runs(pieces, tokens)))


def base64_patterns(secret: str, users: Sequence[str] = ()) -> Iterator[Pattern]:
    """Yield the patterns of a secret inside base64: behind 0, 1 or 2 bytes of a group of three.

    First come the whole `user:secret` of basic authentication.
    """
    for user in users if len(secret) <= _MAX_PASSWORD else ():
        for encoded in _encoded(f"{user}:{secret}"):
            yield Pattern(_base64_tokens(encoded, 0))
    for encoded in dict.fromkeys(_encoded_in_json(secret)):
        for before in range(3):
            yield Pattern(_base64_tokens(encoded, before))


def _token(piece: str, before: str, *, is_in_run: bool = False) -> str:
    """Return the expression of a character or of several backslashes, behind another."""
    if piece.startswith("\\"):
        count = len(piece)
        # It also takes the backslashes of the next character's escape.
        times = f"{{{count},{count + 46}}}+"
        return rf"(?:\\{times}|(?i:%(?:25)?5c){times})"
    if piece.isascii() and piece.isalnum():
        return piece
    return _escaped(piece, after_backslash=before.startswith("\\"), is_in_run=is_in_run)


def _with_runs(pieces: Sequence[str], tokens: Sequence[str]) -> Iterator[str]:
    """Yield the expressions of characters, and one for each long run of quotes."""
    position = 0
    for are_quotes, group in groupby(pieces, _QUOTES.__contains__):
        end = position + len(list(group))
        if are_quotes and end - position >= _LONG_RUN:
            yield _run_of_quotes(pieces[position:end], ["", *pieces][position])
        else:
            yield from tokens[position:end]
        position = end


def _run_of_quotes(quotes: Sequence[str], before: str) -> str:
    escaped = [_token(quote, last, is_in_run=True) for last, quote in pairwise([before, *quotes])]
    run = "".join(quotes)
    several = [run.replace(quote, text) for quote, texts in _QUOTES.items() for text in texts]
    several.append(run.replace("'", "''").replace('"', '""'))  # SQL in CSV
    forms = ["".join(escaped), *map(re.escape, several)]
    return f"(?:{'|'.join(forms)})"


@cache
def _escaped(piece: str, *, after_backslash: bool, is_in_run: bool) -> str:
    """Return the expression for a character that is escaped somewhere, or for a line break.

    In a run of quotes, one quote is not several: the run has these alternatives itself.
    """
    backslashes = _BACKSLASHES_OR_NONE if after_backslash else _BACKSLASHES
    if piece in {"\n", "\r", "\r\n"}:
        return _line_break(backslashes)
    code, encoded = ord(piece), piece.encode("utf-8", "surrogatepass")
    escapes = [f"(?i:u{code:04x}|u{{{code:x}}})" if code < 1 << 16 else _astral(piece, code)]
    escapes += [_NAMED_ESCAPES[piece]] if piece in _NAMED_ESCAPES else []
    escapes += [re.escape(piece)] if piece.isascii() and piece.isprintable() else []
    escapes += [f"(?i:x{code:02x})"] if code < 1 << 8 else []
    # bytes as Python shows them
    escapes += [_BACKSLASHES.join(f"(?i:x{byte:02x})" for byte in encoded)] * (not piece.isascii())
    url = _url_forms(piece, encoded)
    escapes += url[:1]  # JSON in a form
    forms = [re.escape(piece), f"{backslashes}(?:{'|'.join(escapes)})", *url]
    forms += [rf"(?i:&#(?:0*{code}|x0*{code:x});)"]
    named = html.escape(piece)
    forms += [re.escape(named)] if named not in {piece, "&#x27;"} else []
    forms += ["&apos;"] if piece == "'" else []
    forms += () if is_in_run else _QUOTES.get(piece, ())
    forms += [r"\n[ ]{0,99}+"] if piece == " " else []
    forms += [re.escape(encoded.decode("latin-1"))] * (not piece.isascii())  # UTF-8 read as Latin-1
    return f"(?:{'|'.join(forms)}){_SEAM if piece.isspace() else ''}"


def _line_break(backslashes: str) -> str:
    escaped = f"{backslashes}(?:r{_BACKSLASHES}n|[nr])"
    url, entity = "(?i:%(?:25)?0d%(?:25)?0a|%(?:25)?0[ad])", "(?i:(?:&#(?:13|xd);)?&#(?:10|xa);)"
    return rf"(?:\r\n|\n|\r|{escaped}|{url}|{entity}){_SEAM}"


def _encoded_in_json(text: str) -> Iterator[bytes]:
    """Yield the encodings of a text as it is, and with the escapes of JSON."""
    yield from _encoded(text)
    for escape_all in (True, False):
        escaped = json.dumps(text, ensure_ascii=escape_all)[1:-1]
        if escaped != text:
            yield escaped.encode("utf-8", "surrogatepass")


def _encoded(text: str) -> Iterator[bytes]:
    yield text.encode("utf-8", "surrogatepass")
    if not text.isascii():
        with suppress(UnicodeEncodeError):
            yield text.encode("latin-1")


def _astral(piece: str, code: int) -> str:
    high, low = piece.encode("utf-16-be")[:2].hex(), piece.encode("utf-16-be")[2:].hex()
    return f"(?i:u{high}{_BACKSLASHES}u{low}|u{code:08x}|u{{{code:x}}})"


def _url_forms(piece: str, encoded: bytes) -> list[str]:
    forms = ["".join(f"%(?:25)?{byte:02x}" for byte in encoded)]
    if not piece.isascii() and ord(piece) < 1 << 8:
        forms.append(f"%(?:25)?{ord(piece):02x}")
    return [f"(?i:{'|'.join(forms)})", *([r"\+"] if piece == " " else [])]


def _base64_tokens(secret: bytes, before: int) -> list[str]:
    """Return the expressions for the characters that depend on the secret only, or partly."""
    text = base64.b64encode(bytes(before) + secret).decode().rstrip("=")
    # The bits of the first character that belong to the secret, and those of the last that do not.
    bits = {0: 6, 1: 4, 2: 2}[before]
    others = (6 * len(text)) - 8 * (before + len(secret))
    tokens = [_base64_class(char) for char in text[before:]]
    first, last = _BASE64.index(text[before]), _BASE64.index(text[-1])
    tokens[0] = _base64_class(_BASE64[first % (1 << bits) :: 1 << bits])
    if others:
        tokens[-1] = _base64_class(_BASE64[last : last + (1 << others)])
    return [*tokens, _PADDING]


def _base64_class(characters: str) -> str:
    plain = "".join(char for char in characters if char.isalnum())
    forms = [plain if len(plain) == 1 else f"[{plain}]"] if plain else []
    forms += [r"[+-]|%2[Bb]"] if "+" in characters else []
    forms += [r"[/_]|%2[Ff]|\\{1,47}+/"] if "/" in characters else []
    return forms[0] if len(forms) == 1 and plain else f"(?:{'|'.join(forms)})"
