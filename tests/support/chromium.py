"""The system's Chromium, controlled by Playwright."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REQUIRED = "OPENFN_REQUIRE_BROWSER"
MISSING = (
    "There is no Chromium on this machine, so the browser tests of the console did not run. "
    "`make browser` installs one."
)


def find():
    """Return the path of a Chromium, or None."""
    paths = (os.environ.get("CHROMIUM"), *map(shutil.which, NAMES))
    return next((path for path in paths if path), None)


@contextmanager
def launch(path):
    """Start a browser; Playwright is imported only where one is needed."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    # A container's root may not use Chromium's sandbox.
    arguments = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
