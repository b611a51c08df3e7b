"""Emitting messages and writing to the log."""

from __future__ import annotations

from datetime import date

import pytest

from adaptors._runtime import emit as outbox
from adaptors.common import data_value, each, emit, log
from adaptors.errors import ConfigurationError


def test_emitted_message_is_passed_to_the_receiver():
    messages = []
    state = {"data": {"a": date(2026, 3, 9), "n": [1]}, "mine": 1}
    with outbox.emit_to(lambda *message: messages.append(message)):
        assert emit("here")(state) == state
        assert emit(lambda _state: "reports", {"b": data_value("n[0]")})(state) == state
        emit("nothing", None)(state)
    assert messages == [
        ("here", '{"a": "2026-03-09", "n": [1]}'),
        ("reports", '{"b": 1}'),
        ("nothing", "null"),
    ]


def test_emit_without_a_receiver_is_an_error():
    with pytest.raises(ConfigurationError, match="Nothing receives emitted messages here"):
        emit("here")({"data": 1})


def test_every_item_of_a_list_is_emitted():
    messages = []
    with outbox.emit_to(lambda _inbox, body: messages.append(body)):
        each("results[*]", emit("here"))({"data": {"results": [1, {"a": 2}]}})
    assert messages == ["1", '{"a": 2}']


def test_log_writes_one_line_of_texts_and_json(capsys):
    state = {"data": {"name": "Ouédraogo", "on": date(2026, 3, 9)}}
    assert log("seen", data_value("name"), [data_value("name")], 1, None)(state) is state
    log(data_value(""))(state)
    assert capsys.readouterr().out.splitlines() == [
        'seen Ouédraogo ["Ouédraogo"] 1 null',
        '{"name": "Ouédraogo", "on": "2026-03-09"}',
    ]


def test_logged_state_masks_its_configuration(capsys):
    state = {"data": 1, "configuration": {"password": "Zm9vYmFyMTIzNDU2"}}
    log("state:", lambda state: state)(state)
    assert capsys.readouterr().out == 'state: {"data": 1, "configuration": "***"}\n'
    assert state["configuration"] == {"password": "Zm9vYmFyMTIzNDU2"}
