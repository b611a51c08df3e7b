"""References in the resume state of a run replace the secrets of its credential."""

from __future__ import annotations

import json

import pytest

from openfn.errors import ProjectError
from openfn.jobs.secret_references import SecretReferences

CREDENTIAL = {
    "host": "h",
    "password": "long-enough",
    "login": {"token": "short"},
    "keys": ["abcdefgh"],
}
STATE = {
    "data": [{"a": "long-enough", "b": "not long-enough", "c": "short"}, "abcdefgh"],
    "old": {"configuration": {**CREDENTIAL, "more": 1}},
    "configuration": {"host": "h"},
}


def dump(state):
    return json.dumps(state).encode()


def test_sealed_state_has_no_long_secret_and_is_restored():
    references = SecretReferences(CREDENTIAL)
    sealed = references.seal(dump(STATE))
    assert b'"long-enough"' not in sealed
    assert b"abcdefgh" not in sealed
    assert references.restore(sealed) == {**STATE, "old": {"configuration": CREDENTIAL}}
    changed = SecretReferences({**CREDENTIAL, "password": "changed-since"}).restore(sealed)
    assert changed["data"][0]["a"] == "changed-since"


def test_state_without_secrets_is_stored_as_it_is():
    content = dump({"data": {"__ref__": ["password"]}, "b": [1, None]})
    assert SecretReferences(CREDENTIAL).seal(content) is content
    assert SecretReferences(CREDENTIAL).restore(content) == json.loads(content)


def test_secret_that_the_credential_lost_is_an_error():
    sealed = SecretReferences(CREDENTIAL).seal(dump(STATE))
    with pytest.raises(ProjectError, match="no password any more"):
        SecretReferences({"host": "h", "keys": ["abcdefgh"]}).restore(sealed)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (STATE, {**STATE, "old": {}}),
        ({"a": [{"configuration": CREDENTIAL}]}, {"a": [{}]}),
        ({"a": {"configuration": {"login": {"token": "short"}}}}, {"a": {}}),
        ({"a": {"saved": CREDENTIAL, "b": 1}}, {"a": {"b": 1}}),
        ({"a": {"configuration": "long-enough"}}, {"a": {"configuration": "long-enough"}}),
        (
            {"configuration": {}, "text": "configuration"},
            {"configuration": {}, "text": "configuration"},
        ),
    ],
    ids=["changed copy", "copy", "part", "other name", "string", "other"],
)
def test_copies_of_the_configuration_are_removed(state, expected):
    content = SecretReferences(CREDENTIAL).without_configuration(dump(state))
    assert json.loads(content) == expected


def test_configuration_without_secrets_is_removed_as_well():
    references = SecretReferences({"baseUrl": "https://x.example.org"})
    state = {"a": {"configuration": {"baseUrl": "https://x.example.org"}}}
    assert json.loads(references.without_configuration(dump(state))) == {"a": {}}


def test_warnings_name_the_paths_and_not_the_secret():
    lines = list(SecretReferences(CREDENTIAL).warnings("the final state", json.dumps(STATE)))
    assert "the final state has the credential's password at data.0.a." in "\n".join(lines)
    assert [line for line in lines if "long-enough" in line or "abcdefgh" in line] == []
    many = json.dumps({"rows": ["long-enough"] * 1000})
    lines = list(SecretReferences(CREDENTIAL).warnings("the final state", many))
    assert len(lines) == 11
    assert lines[-1] == "warning: the final state has secrets at 990 more paths."
