"""Write a picture of each page of the console to docs/console: `make screenshots`.

The messages are those of a day in the example project, sent with a clock that is moved.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

from tests.support import chromium
from tests.support.served_console import ROOT, sample, serve

TARGET = ROOT / "docs/console"
NAMES = ("Amina", "Kofi", "Zeinab", "Juma", "Fatou", "Moussa", "Grace", "Samuel")
SIZE = {"width": 1240, "height": 820}


def main():
    """Take all pictures."""
    path = chromium.find()
    if path is None:
        sys.exit(chromium.MISSING)
    TARGET.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(Path(folder)) as console,
        chromium.launch(path) as browser,
    ):
        ids = send_a_day(console)
        for name, address, options in pictures(ids):
            window = browser.new_context(viewport=SIZE, timezone_id="Africa/Nairobi", **options)
            page = window.new_page()
            page.goto(console.server.create_link(60))
            page.goto(console.server.url + address)
            if name.startswith("filter"):
                page.get_by_label("_xform_id_string").check()
                page.get_by_text("it matches", exact=False).wait_for()
            page.wait_for_timeout(100)
            page.screenshot(path=TARGET / f"{name}.png")
            window.close()


def pictures(ids):
    """Yield the name, the address and the options of each picture."""
    light, dark = {"color_scheme": "light"}, {"color_scheme": "dark"}
    yield "health", "/", light
    yield "health-dark", "/", dark
    yield "messages", "/messages", light
    yield "message", f"/messages/{ids['unmatched']}", light
    yield "filter", f"/filter?message={ids['unmatched']}", light
    yield "run", f"/runs/{ids['failed']}/register-household", light
    yield "message-ar", f"/messages/{ids['unmatched']}", light | {"locale": "ar"}
    yield "try", f"/try?message={ids['matched']}&job=register-household", dark


def send_a_day(console):
    """Send the posts of a day; return the ids of some."""
    numbers, ids, now = random.Random(7), {}, datetime.now(UTC)
    for minutes in sorted((numbers.triangular(2, 1380, 500) for _ in range(130)), reverse=True):
        with time_machine.travel(now - timedelta(minutes=minutes), tick=False):
            body, inbox = post_of(numbers)
            console.post(body, inbox)
    console.stack.drain()
    household = {"group1/name": "Amina", "group1/age": "34"}
    ids["failed"] = console.post(sample(_uuid="f", **household | {"group1/age": ["34"]}))
    ids["matched"] = console.post(sample(_uuid="m", **household))
    ids["unmatched"] = console.post(sample(_uuid="u", _xform_id_string="groups_v2", **household))
    time.sleep(1)
    console.stack.drain()
    return ids


def post_of(numbers):
    """Return a random body and its inbox."""
    name, kind = numbers.choice(NAMES), numbers.random()
    changes = {"_uuid": str(numbers.random()), "group1/name": name}
    if kind < 0.6:
        return sample(**changes, **{"group1/age": str(numbers.randint(18, 80))}), "field-data"
    if kind < 0.66:
        return sample(**changes, _xform_id_string="groups_v2"), "field-data"
    if kind < 0.68:
        return sample(**changes, **{"group1/age": ["many"]}), "field-data"
    visit = json.loads((ROOT / "events/commcare_home_visit.json").read_text("utf-8"))
    return visit | {"id": str(numbers.random())}, "commcare"


if __name__ == "__main__":
    main()
