"""A path that finds nothing is absent: its key is left out, and the log names it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adaptors._runtime import emit as outbox
from adaptors._runtime.run_context import run_context
from adaptors.absent import absent_keys
from adaptors.common import (
    array_to_string,
    chunk,
    combine,
    data_value,
    each,
    emit,
    field,
    fields,
    human_proper,
    join,
    last_reference_value,
    map,  # noqa: A004 - OpenFn's name for it
    merge,
    operation,
    resolve,
    scrub_emojis,
    source_value,
    to_array,
    to_xml,
)

PHONE = data_value("phone")
STATE = {"data": {"name": "Amina", "nickname": None, "visits": [{"n": 1}, {"n": 2, "note": "b"}]}}


@pytest.mark.parametrize(
    "value",
    [
        PHONE,
        data_value("$.phone"),
        data_value(lambda _: "phone"),
        source_value("phone"),
        last_reference_value("phone"),
        human_proper(PHONE),
        scrub_emojis(human_proper(PHONE)),
        array_to_string(PHONE, ";"),
        chunk(PHONE, 2),
        to_xml(PHONE),
        lambda _: PHONE,
    ],
)
def test_key_of_a_missing_value_is_left_out(value):
    record = fields(field("Name", data_value("name")), field("Phone", value))
    assert resolve(STATE, record) == {"Name": "Amina"}
    assert resolve(STATE, [{"to": record}]) == [{"to": {"Name": "Amina"}}]
    assert value(STATE) is None or value(STATE) is PHONE


def test_explicit_null_stays_null():
    def by_hand(state):
        value = PHONE(state)
        return value or None

    record = {"nickname": data_value("nickname"), "by_hand": by_hand, "none": None}
    assert resolve(STATE, record) == {"nickname": None, "by_hand": None, "none": None}


def test_missing_value_without_a_key_is_none():
    @operation
    def note(state, positional, *, named="default"):
        return {**state, "noted": [positional, named]}

    assert note(PHONE, named=PHONE)(STATE)["noted"] == [None, None]
    assert resolve(STATE, [PHONE, (PHONE, 1)]) == [None, (None, 1)]
    assert resolve(STATE, {"all": to_array(PHONE)}) == {"all": []}
    assert resolve(STATE, {"text": array_to_string(["a", PHONE])}) == {"text": "a,"}


def test_items_keep_their_own_value():
    added = {"note": PHONE, "n": 7}
    assert merge("visits", added)(STATE) == [{"n": 7}, {"n": 7, "note": "b"}]
    assert join("visits", "phone", "phone")(STATE) == STATE["data"]["visits"]
    assert map("visits", {"note": data_value("note")})(STATE)["data"] == [{}, {"note": "b"}]
    assert map("visits", data_value("note"))(STATE)["data"] == [None, "b"]


def test_resolved_dict_knows_the_paths_of_its_absent_keys():
    assert absent_keys(resolve(STATE, {"a": PHONE, "b": 1})) == {"a": "phone"}
    assert absent_keys({"a": 1}) == absent_keys([1]) == {}


def test_log_names_each_absent_path_once(capsys):
    record = {"phone": PHONE, "note": data_value("note"), "name": data_value("name")}
    with run_context("run", datetime.now(UTC)):
        each("visits", combine(lambda s: {**s, "last": resolve(s, record)}))(STATE)
    assert capsys.readouterr().out == "No value at phone.\nNo value at note.\nNo value at name.\n"


def test_project_can_have_null_in_place_of_absent(capsys):
    with run_context("run", datetime.now(UTC), missing_is_null=True):
        record = resolve(STATE, {"phone": PHONE, "proper": human_proper(PHONE)})
    assert record == {"phone": None, "proper": None}
    assert capsys.readouterr().out == ""


def test_emitted_body_has_no_absent_key():
    emitted = []
    with outbox.emit_to(lambda *message: emitted.append(message)):
        emit("visits", {"name": data_value("name"), "phone": PHONE})(STATE)
    assert emitted == [("visits", '{"name": "Amina"}')]
