"""The posts in `events/`, sent over HTTP exactly as the applications send them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import requests

from workbench.store.stack_template import ROOT


@dataclass(frozen=True, slots=True)
class Post:
    """A saved post, with the URL suffix and headers that its application sends."""

    source: str
    inbox: str
    event: str
    suffix: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The exact bytes of the saved post."""
        return (ROOT / "events" / self.event).read_bytes()

    def send(self, url: str) -> requests.Response:
        """Send the post to an inbox URL and return the response."""
        return requests.post(
            url + self.suffix, data=self.body, headers=dict(self.headers), timeout=30
        )


POSTS = (
    Post(
        "KoboToolbox",
        "field-data",
        "kobo_household.json",
        headers={
            "Content-Type": "application/json",
            "User-Agent": "KoboToolbox external service - kobo.example.org #hK4bT2",
        },
    ),
    # Aggregate rebuilds the URL with an empty query, so it ends with a question mark.
    Post(
        "ODK Aggregate",
        "field-data",
        "odk_child_registration.json",
        suffix="?",
        headers={
            "Content-Type": "application/json",
            "User-Agent": "Apache-HttpClient/4.5.3 (Java/1.8.0_212)",
            "Accept-Encoding": "gzip,deflate",
        },
    ),
    Post(
        "CommCare",
        "commcare",
        "commcare_home_visit.json",
        suffix="?app_id=6f1d5a0c9b7e4d1f8a2b3c4d5e6f7a8b",
        headers={
            "Content-Type": "application/json",
            "received-on": "2026-03-09T09:02:13.504000Z",
        },
    ),
)
