"""Turn names into readable text, and replace emoji."""

from __future__ import annotations

import re
from typing import Any

from adaptors.common.lazy import accepts_state_functions

_WORD = re.compile(r"\w\S*")
# The characters that Unicode shows as a picture by default; of U+2600 to U+27BF also those that
# may be shown as text, since people send them as pictures (❤ ☎ ✔).
_SIGNS = (
    "\u2600-\u2604\u260e\u2611\u2614\u2615\u2618\u261d\u2620\u2622\u2623\u2626\u262a\u262e\u262f"
    "\u2638-\u263a\u2640\u2642\u2648-\u2653\u265f\u2660\u2663\u2665\u2666\u2668\u267b\u267e\u267f"
    "\u2692-\u2697\u2699\u269b\u269c\u26a0\u26a1\u26a7\u26aa\u26ab\u26b0\u26b1\u26bd\u26be\u26c4"
    "\u26c5\u26c8\u26ce\u26cf\u26d1\u26d3\u26d4\u26e9\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702"
    "\u2705\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2728\u2733\u2734\u2744\u2747\u274c"
    "\u274e\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27a1\u27b0\u27bf"
)
_PICTURES = (
    "\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2b1b\u2b1c\u2b50\u2b55"
    "\U0001f004\U0001f0cf\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f18e\U0001f191-\U0001f19a"
    "\U0001f201-\U0001f265\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7dc-\U0001f7ff"
    "\U0001f90c-\U0001f9ff\U0001fa70-\U0001faff"
)
# Any other sign is a picture only before U+FE0F (©️), and never before U+FE0E.
_ONE = rf"(?:[{_SIGNS}{_PICTURES}](?!\ufe0e)|[\xa9\xae\u2000-\u3300]\ufe0f)"
_TONE = r"[\ufe0f\U0001f3fb-\U0001f3ff]*"
_TAGS = r"[\U000e0020-\U000e007f]*"
_EMOJI = re.compile(
    rf"{_ONE}{_TONE}{_TAGS}(?:\u200d(?:{_ONE}|[\u2190-\u2bff]){_TONE})*"
    r"|[0-9#*]\ufe0f?\u20e3|[\U0001f1e6-\U0001f1ff]{1,2}"
)


@accepts_state_functions
def human_proper(text: Any) -> Any:
    """Make a name readable: `_` and `-` become spaces, and each word begins with a capital.

    Anything but a text stays as it is.

    >>> human_proper("first_name-of_person")
    'First Name Of Person'
    """
    if not isinstance(text, str):
        return text
    return _WORD.sub(lambda word: word[0].capitalize(), re.sub("[_-]", " ", text))


@accepts_state_functions
def scrub_emojis(text: Any, replacement: str = "\ufffd") -> Any:
    r"""Replace each emoji of a text; a flag, a keycap and a family are one emoji each.

    Quotes, dashes, currencies and other scripts stay (OpenFn replaces them too). Anything but a
    text stays as it is.

    >>> scrub_emojis("“Dove” 🕊️ … 5 €", "(emoji)")
    '“Dove” (emoji) … 5 €'
    """
    return _EMOJI.sub(lambda _: replacement, text) if isinstance(text, str) else text
