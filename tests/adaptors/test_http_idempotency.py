"""Idempotency keys, which stay the same in every attempt of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from adaptors._runtime.dry_run import dry_run
from adaptors._runtime.run_context import run_context
from adaptors.common import data_value, each, fn
from adaptors.errors import ConfigurationError
from adaptors.http import delete, patch, post, put, request

VISITS = {"visits": [{"day": 1}, {"day": 1}, {"day": 2}]}
each_visit = each("visits", post("visits", data_value(""), idempotency_key=True))


def keys(destination, header="Idempotency-Key"):
    return [received.headers[header] for received in destination.received]


def attempt(destination, *operations, run="m1#job-a", data=None, state=None):
    """Execute operations as one attempt of a run; return the state before each."""
    states = []
    state = state or {"configuration": {"baseUrl": destination.url}, "data": data, "references": []}
    with run_context(run, datetime.now(UTC)):
        for apply in operations:
            states.append(state)
            state = apply(state)
    return states


def test_key_is_a_uuid_in_the_idempotency_key_header(destination):
    attempt(destination, post("visits", {}, idempotency_key=True))
    (key,) = keys(destination)
    assert str(UUID(key)) == key


@pytest.mark.parametrize("call", [post, put, patch, delete])
def test_every_write_may_have_a_key(destination, call):
    attempt(destination, call("visits/7", idempotency_key=True))
    assert keys(destination)[0]


def test_no_key_is_sent_by_default(destination):
    attempt(destination, post("visits", {}), post("visits", {}, idempotency_key=None))
    assert keys(destination) == [None, None]


def test_next_attempt_sends_the_same_keys(destination):
    for _ in range(2):
        attempt(destination, each_visit, data=VISITS)
    sent_keys = keys(destination)
    assert sent_keys[:3] == sent_keys[3:]


def test_resumed_attempt_sends_the_same_keys(destination):
    visit = post("visits", {"a": 1}, idempotency_key=True)
    operations = [visit, visit, fn(lambda state: state | {"data": VISITS}), each_visit]
    states = attempt(destination, *operations)
    sent_keys = keys(destination)
    assert len(set(sent_keys)) == len(sent_keys) == 5
    for number, skipped in [(1, 1), (2, 2), (3, 2)]:
        destination.reset()
        attempt(destination, *operations[number:], state=states[number])
        assert keys(destination) == sent_keys[skipped:]


def test_requests_of_a_run_have_different_keys(destination):
    post_a = post("visits", {"day": 1}, idempotency_key=True)

    def twice_with_one_state(state):
        post_a(state)
        return post_a(state)

    attempt(
        destination,
        post_a,
        post_a,
        each("visits", each("days", post_a)),
        fn(twice_with_one_state),
        post("visits", {"day": 2}, idempotency_key=True),
        post("visit", {"day": 1}, idempotency_key=True),
        post("visits", {"day": 1}, idempotency_key=True, query={"a": 1}),
        put("visits", {"day": 1}, idempotency_key=True),
        post("visits", form={"day": 1}, idempotency_key=True),
        post("visits", files={"day": b"1"}, idempotency_key=True),
        data={"visits": [{"days": [1, 1]}, {"days": [1]}]},
    )
    assert len(set(keys(destination))) == len(destination.received) >= 10


PLACE = {
    "a post": post("visits", {"day": 1}, idempotency_key=True),
    "another body": post("visits", {"day": 2}, idempotency_key=True),
    "another path": post("visit", {"day": 1}, idempotency_key=True),
    "another query": post("visits", {"day": 1}, idempotency_key=True, query={"a": 1}),
    "another method": put("visits", {"day": 1}, idempotency_key=True),
    "no body": post("visits", idempotency_key=True),
}


def test_changed_request_at_the_same_position_has_another_key(destination):
    for operate in PLACE.values():  # the job was changed between two attempts
        attempt(destination, operate)
    assert len(set(keys(destination))) == len(PLACE)


def test_item_keeps_its_key_when_earlier_items_are_skipped(destination):
    def send(state, done=()):
        if state["index"] not in done:
            post("visits", {"day": 1}, idempotency_key=True)(state)
        return state

    attempt(destination, each("visits", send), data=VISITS)
    attempt(destination, each("visits", lambda state: send(state, done={0})), data=VISITS)
    sent_keys = keys(destination)
    assert sent_keys[1:3] == sent_keys[3:]


def test_runs_have_different_keys(destination):
    for run in ("m1#job-a", "m2#job-a", "m1#job-b"):
        attempt(destination, post("visits", {}, idempotency_key=True), run=run)
    assert len(set(keys(destination))) == 3


def test_files_have_the_same_key_in_every_attempt(destination):
    photo = {"photo": ("a.png", b"\x89PNG", "image/png")}
    for _ in range(2):
        attempt(destination, post("photos", files=photo, idempotency_key=True))
    assert len(set(keys(destination))) == 1


def test_changed_credential_does_not_change_the_key(destination):
    for secret in ("old", "new"):
        credential = {"baseUrl": destination.url, "apiKey": secret, "parameter": "key"}
        state = {"configuration": credential, "data": None}
        attempt(destination, post("visits", {}, idempotency_key=True), state=state)
    assert len(set(keys(destination))) == 1
    assert destination.received[0].query != destination.received[1].query


def test_requests_outside_of_a_run_have_different_keys(destination):
    for _ in range(2):
        post("visits", {}, idempotency_key=True)({"configuration": {"baseUrl": destination.url}})
    assert len(set(keys(destination))) == 2


@pytest.mark.parametrize("key", ["visit-7", data_value("id")], ids=["text", "value"])
def test_key_of_the_job_is_sent_unchanged(destination, key):
    operate = post("visits", {}, idempotency_key=key, idempotency_header="X-Request-Id")
    attempt(destination, operate, data={"id": "visit-7"})
    assert keys(destination, "X-Request-Id") == ["visit-7"]
    assert keys(destination) == [None]


def test_idempotency_header_of_the_job_wins(destination):
    headers = {"idempotency-key": "mine"}
    attempt(destination, request("POST", "visits", {}, headers=headers, idempotency_key=True))
    assert destination.only.headers.get_all("Idempotency-Key") == ["mine"]


def test_dry_run_shows_the_key(destination):
    with dry_run() as requests:
        attempt(destination, post("visits", {}, idempotency_key="visit-7"))
    assert requests[0].headers["Idempotency-Key"] == "visit-7"


def test_missing_key_is_an_author_error(destination):
    operate = post("visits", {}, idempotency_key=data_value("missing"))
    with pytest.raises(ConfigurationError, match="needs a value for idempotency_key"):
        attempt(destination, operate)
