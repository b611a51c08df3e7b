"""Mask the secrets of a credential in text: logs, errors, and what a terminal shows.

A secret of eight characters or more is masked wherever it is. A shorter one is masked as a whole
word only, so that the password `test` does not change `latest`.

    masker = Masker({"password": "s3cr3t-word"})
    masker.mask("log in with s3cr3t-word")  # log in with ***

    stream = masker.stream()
    masked = stream.feed(first_piece) + stream.feed(second_piece) + stream.flush()
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any

from openfn.jobs.secret_patterns import Pattern, base64_patterns, text_pattern
from openfn.jobs.secret_values import SHORTEST, passwords_in_urls, secrets_of

MASK = "***"
_LONG = 8
"""Characters from which a secret is masked inside of words, and each of its lines by itself."""
_BATCH, _MAX_USER = 16_384, 128
_LINE_BREAK = re.compile(r"\r\n|\n|\r|\\r\\n|\\n")
_CUT = re.compile(r"…|\.\.\.")
# A letter behind one of these does not continue a word: \ntest, %3Dtest
_CONTEXT = 12
_ESCAPE = re.compile(r"(?:\\[abfnrtv0]|\\x..|\\u....|%[0-9a-fA-F]{2})\Z")
Span = tuple[int, int]


class Masker:
    """Masks the secrets of one credential. Its patterns are built when it first masks a text."""

    def __init__(
        self, configuration: Mapping[str, Any], fields: Collection[tuple[str, ...]] = ()
    ) -> None:
        """Mask the secrets of a credential whose model declares `fields` (paths) as secret."""
        self.secrets = secrets_of(configuration, fields)
        texts = [text for secret in self.secrets for text in secret.texts]
        texts += [text.strip() for text in passwords_in_urls(configuration)]
        values = configuration.values()
        users = [v for v in values if isinstance(v, str) and len(v) <= _MAX_USER]
        self._users = ["", *users]
        self._texts = sorted({text for text in texts if len(text) >= SHORTEST})

    def with_texts(self, texts: Collection[str]) -> Masker:
        """Return a masker that masks more texts."""
        if not texts:
            return self
        masker = Masker({})
        masker.secrets, masker._users = self.secrets, self._users
        more = {text.strip() for text in texts if len(text.strip()) >= SHORTEST}
        masker._texts = sorted({*self._texts, *more})
        return masker

    def mask(self, text: str, *, may_be_cut: bool = True) -> str:
        """Return a text with `***` for each secret.

        If the text may be cut, the beginning of a secret at its end is masked as well.
        """
        if not text or not self._texts:
            return text
        return _replace(text, self.spans(text, is_end=may_be_cut))

    def mask_value(self, value: Any) -> Any:
        """Return JSON-compatible data in which all texts, keys and secret numbers are masked."""
        if isinstance(value, Mapping):
            return {self.mask_value(key): self.mask_value(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.mask_value(part) for part in value]
        if value is None or isinstance(value, bool):
            return value
        text = value if isinstance(value, str) else str(value)
        masked = self.mask(text, may_be_cut=False)
        return value if masked == text else masked

    def stream(self) -> Stream:
        """Return a stream that masks a text which arrives in pieces."""
        return Stream(self)

    @cached_property
    def longest(self) -> int:
        """The length of the longest form of a secret."""
        return max(pattern.max_length for pattern in (*self._patterns, *self._short))

    @property
    def has_secrets(self) -> bool:
        """Whether there is anything to mask."""
        return bool(self._texts)

    def spans(self, text: str, *, is_end: bool, is_after_mask: bool = False) -> list[Span]:
        """Return where secrets begin and end, in order; `is_end` if the text may be cut there."""
        spans = [span for pattern in self._patterns for span in pattern.spans(text)]
        if windows := self._before_cuts(text, is_end=is_end):
            for pattern in self._patterns:
                spans += pattern.cut_spans(text, windows, is_end=is_end)
        edges = {edge for span in spans for edge in span} | ({0} if is_after_mask else set())
        spans += [span for span in self._short_spans(text) if _is_word(text, span, edges)]
        return sorted(spans)

    def _short_spans(self, text: str) -> Iterator[Span]:
        short = [pattern for pattern in self._short if pattern.anchor in text]
        if short:
            several = f"(?:{'|'.join(pattern.source for pattern in short)})+"
            for match in re.finditer(several, text):
                yield match.span()

    def _before_cuts(self, text: str, *, is_end: bool) -> list[Span]:
        """Return the parts of a text in which a secret could be cut."""
        windows: list[Span] = []
        for end in [*(match.start() for match in _CUT.finditer(text)), *[len(text)] * is_end]:
            start = max(0, end - self.longest)
            start = windows.pop()[0] if windows and start <= windows[-1][1] else start
            windows.append((start, end))
        return windows

    @cached_property
    def _short(self) -> list[Pattern]:
        return [text_pattern(text) for text in self._texts if len(text) < _LONG]

    @cached_property
    def _patterns(self) -> list[Pattern]:
        texts = {text for text in self._texts if len(text) >= _LONG}
        lines = {line.strip() for text in texts for line in _LINE_BREAK.split(text)}
        texts |= {line for line in lines if len(line) >= _LONG and not line.startswith("-----")}
        encoded = [p for text in self._texts for p in base64_patterns(text, self._users)]
        return [*map(text_pattern, sorted(texts)), *encoded]


class Stream:
    """Masks a text that arrives in pieces; a secret may begin in one and end in another."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._pieces: list[str] = []
        self._length = 0
        self._context = 0
        """The characters at the beginning of the pieces that were returned before."""
        self._is_after_mask = False

    def feed(self, piece: str) -> str:
        """Take the next piece, and return the masked text that no later piece can change."""
        if not self._masker.has_secrets:
            return piece
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length < 2 * self._hold + _BATCH:
            return ""
        text = "".join(self._pieces)
        spans = self._spans(text, is_end=False)
        end = len(text) - self._hold
        for start, stop in reversed(spans):  # a secret is not divided
            end = start if start < end < stop else end
        return self._return_until(text, spans, end) if end > self._context else ""

    def flush(self) -> str:
        """Return the rest, masked, at the end of the text."""
        text = "".join(self._pieces)
        return self._return_until(text, self._spans(text, is_end=True), len(text))

    @cached_property
    def _hold(self) -> int:
        return self._masker.longest + _CONTEXT

    def _spans(self, text: str, *, is_end: bool) -> list[Span]:
        spans = self._masker.spans(text, is_end=is_end, is_after_mask=self._is_after_mask)
        return [span for span in spans if span[0] >= self._context]

    def _return_until(self, text: str, spans: list[Span], end: int) -> str:
        spans = [span for span in spans if span[1] <= end]
        masked = _replace(text[:end], spans, self._context)
        self._is_after_mask = any(stop == end for _, stop in spans)
        self._context = 0 if self._is_after_mask else min(_CONTEXT, end)
        self._pieces = [text[end - self._context :]]
        self._length = len(self._pieces[0])
        return masked


def _replace(text: str, spans: list[Span], begin: int = 0) -> str:
    """Return a text from `begin` on, with a mask for each group of overlapping spans."""
    pieces, position = [], begin
    for start, end in spans:
        if start >= position:
            pieces += [text[position:start], MASK]
        position = max(position, end)
    return "".join([*pieces, text[position:]])


def _is_word(text: str, span: Span, edges: Collection[int]) -> bool:
    start, end = span
    before = text[max(0, start - _CONTEXT) : start]
    begins = start in edges or not _continues(before[-1:], text[start]) or _ESCAPE.search(before)
    return bool(begins) and (end in edges or not _continues(text[end - 1], text[end : end + 1]))


def _continues(left: str, right: str) -> bool:
    """Return whether two characters are of one word or number."""
    return (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())
