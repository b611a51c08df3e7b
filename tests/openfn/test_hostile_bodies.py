"""Bodies that are made to exhaust a parser's time or memory."""

from __future__ import annotations

import json
import time
from urllib.parse import unquote_to_bytes

import pytest

from benchmarks.hostile_requests import is_within_limits, measure
from openfn.errors import UnreadableBody
from openfn.messages import body_size
from openfn.messages.bodies import parse
from openfn.messages.cpu_budget import limit_cpu

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "shape",
    [
        "quotes that do not close",
        "one string of brackets",
        "gzipped fractions",
        "gzipped percent signs",
        "broken percent signs",
        "attribute defaults",
        "header parameters",
        "nested multiparts",
        "invalid boundaries",
    ],
)
def test_hostile_request_stays_within_the_limits(shape):
    (row,) = measure([shape])
    assert is_within_limits(row), row


def test_cpu_budget_ends_in_an_unreadable_body():
    def loop():
        with limit_cpu(0.05):
            while True:
                pass

    with pytest.raises(UnreadableBody, match="too much time"):
        loop()


def test_cpu_budget_ends_with_its_block():
    with limit_cpu(0.05):
        pass
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass


@pytest.mark.parametrize("padding", range(8))
def test_brackets_in_strings_are_not_counted_at_the_end_of_a_slice(padding, monkeypatch):
    monkeypatch.setattr(body_size, "_SLICE", 8)
    monkeypatch.setattr(body_size, "_MAX_CONTAINERS", 3)
    text = " " * padding + json.dumps({'"[\\': ["\\", "[[[\\\\", '"{{{"', '\\"['], "b": ["]"]})
    body_size.check_json(text)
    with pytest.raises(UnreadableBody, match="more than 3 objects"):
        body_size.check_json(f"[{text}]")


@pytest.mark.parametrize(
    ("count", "is_readable"), [(1_000_000, True), (1_000_001, False), (1_000_002, False)]
)
def test_body_has_at_most_a_million_values(count, is_readable):
    content = b"[" + b"1," * count + b"1]"
    if is_readable:
        assert len(parse(content)) == count + 1
    else:
        with pytest.raises(UnreadableBody, match="1000000 values"):
            parse(content)


def _unquoted(part):
    content = unquote_to_bytes(part.replace("+", " "))
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("iso-8859-1")


@pytest.mark.parametrize("name", ["a", "x=1&b", "%41+%zz%4", "é", "&&=&=1&c"])
@pytest.mark.parametrize("value", ["", "%C3%A9+%F0%9F%98%80", "%", "%%41%4", "é%C3", "\x00"])
@pytest.mark.parametrize("padding", [0, 65_530, 65_534, 65_535, 65_536])
def test_long_form_is_decoded_as_a_short_one(name, value, padding):
    text = f"{name}={'x' * padding}{value}&d=1"
    form = {}
    for field in filter(None, text.split("&")):
        key, _, part = field.partition("=")
        form.setdefault(_unquoted(key), []).append(_unquoted(part))
    expected = {key: parts[0] if len(parts) == 1 else parts for key, parts in form.items()}
    assert parse(text.encode(), FORM) == expected
