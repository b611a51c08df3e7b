"""Saved posts: files with the body of a post, such as those in events/."""

from __future__ import annotations

from pathlib import Path


def headers_of(event: Path, content_type: str) -> dict[str, str]:
    """Return the headers that decide how a saved body is parsed."""
    form = "application/x-www-form-urlencoded" if event.suffix == ".form" else ""
    return {"content-type": content_type or form}
