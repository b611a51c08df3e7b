r"""Print text from outside without letting it control the terminal.

A posted body, a job's log or an error text may contain sequences that clear the screen, write to
the clipboard or reverse a line. Such characters are printed as escapes, for example `\x1b`.
"""

from __future__ import annotations

import re

from openfn.control_characters import escape_controls

# Colors and bold only: other attributes hide text.
_COLOR_CODE = r"(?:0?[0-4]|2[2-4]|[349][0-7]|[34]9|10[0-7])"
_COLORS = re.compile(rf"(\x1b\[(?:{_COLOR_CODE}(?:;{_COLOR_CODE})*)?m)")


def escape_controls_but_colors(text: str) -> str:
    r"""Return the output of another program as `escape_controls` does, but with its colors.

    >>> escape_controls_but_colors("\x1b[31mred\x1b[8mhidden")
    '\x1b[31mred\\x1b[8mhidden'
    """
    parts = _COLORS.split(text)
    return "".join(part if _COLORS.fullmatch(part) else escape_controls(part) for part in parts)
