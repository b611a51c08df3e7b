r"""Show control and bidirectional characters of text from outside as escapes.

A posted body, a job's log or an error text may contain sequences that clear a screen, or that
reverse a line. Shown as an escape, such as `\x1b`, a character does nothing.
"""

from __future__ import annotations

import re

# Control characters but tab and line feed, then separators of lines and all that changes the
# direction of text.
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Matches one character that is not shown as it is."""


def escape_controls(text: str) -> str:
    r"""Return a text with visible escapes for control and bidirectional characters.

    A line may end with CR LF.

    >>> escape_controls("\x1b[2Jgone\r\n")
    '\\x1b[2Jgone\n'
    """
    return UNSAFE.sub(_python_escape, text.replace("\r\n", "\n"))


def escape_json(text: str) -> str:
    r"""Return JSON text with its control and bidirectional characters as JSON escapes.

    >>> escape_json('"\x9b"')
    '"\\u009b"'
    """
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _python_escape(match: re.Match[str]) -> str:
    return repr(match[0])[1:-1]
