"""URLs: their origin, and the part that errors and logs may show."""

from __future__ import annotations

import re
from functools import lru_cache

from urllib3.util import parse_url


@lru_cache(maxsize=256)
def origin(url: str) -> str:
    """Return scheme, host and port of a URL.

    >>> origin("https://dhis2.example.org/api?x=1")
    'https://dhis2.example.org:443'
    """
    # Parsed as requests does it: urlsplit takes http://other.org\\@this.org for this.org, while
    # requests connects to other.org; and it leaves a name with an accent as it is.
    parts = parse_url(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme or "")
    return f"{parts.scheme}://{parts.host}:{port}"


def display_url(url: str) -> str:
    """Return a URL without user, password and query, which may be secret.

    >>> display_url("https://amina:secret@dhis2.example.org/api?token=1")
    'https://dhis2.example.org/api'
    """
    return re.sub(r"^([^/]*//)?[^/]*@", r"\1", re.split(r"[?#]", url, maxsplit=1)[0])
