"""Addresses: whose they are, and what of them may be shown."""

from __future__ import annotations

import re
from functools import lru_cache

from urllib3.util import parse_url


@lru_cache(maxsize=256)
def origin(url: str) -> str:
    """Give scheme, host and port of an address.

    >>> origin("https://dhis2.example.org/api?x=1")
    'https://dhis2.example.org:443'
    """
    # Read as requests reads it: urlsplit takes http://other.org\\@this.org for this.org, while
    # requests goes to other.org; and it leaves a name with an accent as it is.
    parts = parse_url(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme or "")
    return f"{parts.scheme}://{parts.host}:{port}"


def display_url(url: str) -> str:
    """Give an address without user, password and query: those may hold secrets.

    >>> display_url("https://amina:secret@dhis2.example.org/api?token=1")
    'https://dhis2.example.org/api'
    """
    return re.sub(r"^([^/]*//)?[^/]*@", r"\1", re.split(r"[?#]", url, maxsplit=1)[0])
