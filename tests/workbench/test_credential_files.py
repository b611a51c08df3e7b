"""Credentials in files on this machine."""

from __future__ import annotations

import pytest

from workbench.credentials.files import read_credential
from workbench.errors import CommandError


def test_credential_file_is_a_json_object(tmp_path):
    (tmp_path / "a.json").write_text('{"password": "pässword"}', "utf-8")
    assert read_credential(tmp_path / "a.json") == {"password": "pässword"}


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'"hunter2"', b"{'a': 1}", b"\xff", b"\x00", b"[" * 100_000],
    ids=["empty", "list", "text", "single quotes", "no UTF-8", "zero", "nested"],
)
def test_other_content_is_an_error_that_does_not_quote_it(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(CommandError, match=r"a\.json is not a JSON object such as") as raised:
        read_credential(tmp_path / "a.json")
    assert "hunter2" not in str(raised.value)


def test_folder_instead_of_a_file_is_an_error(tmp_path):
    with pytest.raises(CommandError, match="cannot be read: Is a directory"):
        read_credential(tmp_path)
