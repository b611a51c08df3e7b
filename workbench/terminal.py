r"""Print text from outside without letting it control the terminal.

A posted body, a job's log or an error text may contain sequences that clear the screen, write to
the clipboard or reverse a line. Such characters are printed as escapes, for example `\x1b`.
"""

from __future__ import annotations

import re

# Control characters but tab and line feed, then separators of lines and all that changes the
# direction of text.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# Colors and bold only: other attributes hide text.
_COLOR_CODE = r"(?:0?[0-4]|2[2-4]|[349][0-7]|[34]9|10[0-7])"
_COLORS = re.compile(rf"(\x1b\[(?:{_COLOR_CODE}(?:;{_COLOR_CODE})*)?m)")


def escape_controls(text: str) -> str:
    r"""Return a text with visible escapes for control and bidirectional characters.

    A line may end with CR LF.

    >>> escape_controls("\x1b[2Jgone\r\n")
    '\\x1b[2Jgone\n'
    """
    return _UNSAFE.sub(_python_escape, text.replace("\r\n", "\n"))


def escape_json(text: str) -> str:
    r"""Return JSON text with its control and bidirectional characters as JSON escapes.

    >>> escape_json('"\x9b"')
    '"\\u009b"'
    """
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def escape_controls_but_colors(text: str) -> str:
    r"""Return the output of another program as `escape_controls` does, but with its colors.

    >>> escape_controls_but_colors("\x1b[31mred\x1b[8mhidden")
    '\x1b[31mred\\x1b[8mhidden'
    """
    parts = _COLORS.split(text)
    return "".join(part if _COLORS.fullmatch(part) else escape_controls(part) for part in parts)


def _python_escape(match: re.Match[str]) -> str:
    return repr(match[0])[1:-1]
