"""A retry resumes at the item that failed, inside operations that apply others."""

from __future__ import annotations

import json

import pytest

from adaptors._runtime import emit as outbox
from adaptors.common import (
    RemoteUnavailable,
    as_,
    combine,
    data_value,
    each,
    emit,
    fn,
    fn_if,
    map,  # noqa: A004 - OpenFn's name for it
    parse_csv,
)
from adaptors.http import by_url, each_page
from openfn.errors import JobError
from openfn.jobs.expression import Operation, Progress, execute
from tests.support.wsgi_server import serve, status

STATE = {
    "data": {
        "visits": [
            {"n": n, "children": [{"n": n * 10 + c} for c in (1, 2, 3)]} for n in (1, 2, 3, 4, 5)
        ]
    },
    "references": [],
}


class Destination:
    """Takes records, and is down at the numbers in `failures`, once each."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.received = []

    def post(self, name="post"):
        def operate(state):
            key = f"{name} {state['data']['n']}"
            if key in self.failures:
                self.failures.remove(key)
                raise RemoteUnavailable("busy")
            self.received.append(key)
            return {**state, "references": [key, *state["references"]]}

        return operate


def attempts(operation, state=STATE, configuration=None, limit=9):
    """Execute an operation until it succeeds, as the runner does; return the final state."""
    operations = [Operation("go", 1, operation)]
    stored, emitted, count = json.dumps(state).encode(), [], 0
    while (count := count + 1) <= limit:
        resumes, new = [], []
        progress = Progress(
            report=lambda _number, resume, resumes=resumes: resumes.append(resume),
            first_state=lambda stored=stored: json.loads(stored),
        )
        start = {**json.loads(stored), "configuration": configuration or {}}
        try:
            with outbox.emit_to(lambda _inbox, body, new=new: new.append(json.loads(body))):
                final = execute(operations, start, "job.py", progress)
            return {**final, "emitted": emitted + new, "attempts": count}
        except JobError:
            if resume := next(filter(None, reversed(resumes)), None):
                stored = resume.state
                emitted += new[: resume.emitted]
            assert b"hunter2" not in stored
    raise AssertionError("It never succeeds.")


def posts(numbers, name="post"):
    return [f"{name} {n}" for n in numbers]


CHILDREN = [n * 10 + c for n in (1, 2, 3, 4, 5) for c in (1, 2, 3)]


def test_each_resumes_at_the_item_that_failed():
    destination = Destination("post 3", "post 5")
    after = attempts(each("visits[*]", destination.post()), configuration={"password": "hunter2"})
    assert destination.received == posts([1, 2, 3, 4, 5])
    assert after["attempts"] == 3
    assert after["data"] == STATE["data"]
    assert after["references"] == posts([5, 4, 3, 2, 1])
    assert after["configuration"] == {"password": "hunter2"}
    assert "index" not in after
    assert "$resume" not in after


def test_nested_operations_resume_at_item_and_step():
    destination = Destination("b 2", "c 32", "c 33", "d 5")
    nested = each("children", destination.post("c"))
    operate = combine(
        each(
            "visits",
            destination.post("a"),
            combine(destination.post("b"), fn_if(data_value("n"), nested), destination.post("d")),
        ),
    )
    after = attempts(operate)
    expected = []
    for n in (1, 2, 3, 4, 5):
        expected += [f"a {n}", f"b {n}", *posts([n * 10 + c for c in (1, 2, 3)], "c"), f"d {n}"]
    assert destination.received == expected
    assert after["references"] == expected[::-1]
    assert after["data"] == STATE["data"]


@pytest.mark.parametrize("wrap", [combine, lambda o: fn_if(1, o), lambda o: as_("done", o)])
def test_operations_around_each_resume_inside(wrap):
    destination = Destination("post 4")
    after = attempts(wrap(each("visits", destination.post())))
    assert destination.received == posts([1, 2, 3, 4, 5])
    assert after["data"] == STATE["data"]


def test_items_are_those_of_the_first_attempt():
    destination = Destination("post 2", "post 3")
    state = {"data": {}, "references": [{"n": 1}, {"n": 2}, {"n": 3}]}
    operate = each("$.references[*]", destination.post())
    attempts(operate, state)
    assert destination.received == posts([1, 2, 3])


def test_map_resumes_with_the_values_that_it_has():
    destination = Destination("post 3")
    answer = combine(destination.post(), fn(lambda s: {**s, "data": s["data"]["n"] * 2}))
    after = attempts(map("visits", answer))
    assert destination.received == posts([1, 2, 3, 4, 5])
    assert after["data"] == [2, 4, 6, 8, 10]


def test_chunks_of_a_csv_resume_at_the_chunk():
    destination = Destination("post 2")
    first = fn(lambda s: {**s, "data": {"n": int(s["data"][0]["n"])}})
    attempts(parse_csv("n\n1\n2\n3", combine(first, destination.post()), chunk_size=1))
    assert destination.received == posts([1, 2, 3])


def test_messages_are_emitted_once():
    destination = Destination("post 2", "post 4")
    operate = each("visits", emit("a", {"n": data_value("n")}), destination.post(), emit("b"))
    emitted = attempts(operate)["emitted"]
    numbers = [body["n"] for body in emitted]
    assert numbers == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_each_inside_a_function_begins_again():
    destination = Destination("post 3")

    def deliver(state):
        return each("visits", destination.post())(state)

    attempts(fn(deliver))
    assert destination.received == posts([1, 2, 1, 2, 3, 4, 5])


def test_only_failed_items_are_applied_again():
    destination = Destination("post 2", "post 4", "post 4")
    after = attempts(each("visits", destination.post(), on_error="continue"))
    assert destination.received == posts([1, 3, 5, 2, 4])
    assert after["attempts"] == 3
    assert sorted(after["references"]) == posts([1, 2, 3, 4, 5])


def test_failed_items_resume_at_the_operation_that_failed():
    destination = Destination("b 2", "b 4", "b 4")
    emitting = emit("a", {"n": data_value("n")})
    steps = combine(destination.post("a"), emitting, destination.post("b"), destination.post("c"))
    after = attempts(each("visits", steps, on_error="continue"))
    names = [key for n in (1, 3, 5) for key in (f"a {n}", f"b {n}", f"c {n}")]
    assert sorted(destination.received) == sorted(
        [*names, "a 2", "b 2", "c 2", "a 4", "b 4", "c 4"]
    )
    assert [body["n"] for body in after["emitted"]] == [1, 2, 3, 4, 5]
    assert sorted(after["references"]) == sorted(destination.received)
    assert after["data"] == STATE["data"]


@pytest.mark.parametrize("inner", ["stop", "continue"])
def test_list_inside_a_failed_item_resumes_at_its_own_items(inner):
    failures = ("post 12", "post 31", "post 31", "post 52", "post 53")
    destination = Destination(*failures)
    nested = each("children", destination.post(), on_error=inner)
    after = attempts(each("visits", nested, on_error="continue"))
    assert sorted(destination.received) == posts(CHILDREN)
    assert sorted(after["references"]) == posts(CHILDREN)
    assert after["data"] == STATE["data"]


def test_failed_item_keeps_what_it_has_fetched_and_gets_what_others_have_added():
    destination = Destination("post 20", "post 40", "post 40")

    def fetch(state):
        seen = [*state.get("seen", []), state["data"]["n"]]
        count = state.get("count", 0) + 1
        fetched = {"n": state["data"]["n"] * 10}
        references = [state["data"], *state["references"]]
        return {**state, "data": fetched, "references": references, "seen": seen, "count": count}

    operate = each("visits", fn(fetch), destination.post(), on_error="continue")
    after = attempts(operate)
    assert destination.received == posts([10, 30, 50, 20, 40])
    assert sorted(after["seen"]) == [1, 2, 3, 4, 5]
    assert len(after["references"]) == 10


def test_attempt_that_ends_between_failed_items_repeats_no_item():
    """The process is killed in item 4, after item 2 has failed."""
    destination = Destination("post 2")
    killed = [43]

    def work(state):
        if state["data"]["n"] in killed:
            killed.remove(state["data"]["n"])
            raise KeyboardInterrupt
        return destination.post()(state)

    operate = each("visits", destination.post(), each("children", fn(work)), on_error="continue")
    with pytest.raises(KeyboardInterrupt) as raised:
        operate(dict(STATE))
    frames = vars(raised.value)["item_progress"].frames
    received = [*destination.received]
    stored = json.loads(json.dumps(list(frames)))
    operate({**STATE, "$resume": stored})
    new = destination.received[len(received) :]
    assert new == posts([2, 21, 22, 23, 43, 5, 51, 52, 53])


def test_list_that_the_failing_item_changed_is_restored():
    destination = Destination("post 3")

    def note(state):
        state.setdefault("seen", []).append(state["data"]["n"])
        return state

    after = attempts(each("visits", combine(note, destination.post())))
    assert after["seen"] == [1, 2, 3, 4, 5]


def test_work_that_is_rolled_back_is_done_again():
    destination = Destination("post 3")
    resumes = []
    progress = Progress(
        is_pending=lambda: bool(destination.received),
        report=lambda _number, resume: resumes.append(resume),
    )
    operations = [Operation("each", 1, each("visits", destination.post()))]
    with pytest.raises(JobError):
        execute(operations, dict(STATE), "job.py", progress)
    assert resumes == [None]  # at the operation, not at an item


PAGES = [
    {"results": [{"n": n}, {"n": n + 1}], "next": n < 5 and f"p?from={n + 2}"} for n in (1, 3, 5)
]


@pytest.fixture(scope="module")
def paged():
    def app(environ, start_response):
        start = environ["QUERY_STRING"].partition("from=")[2] or "1"
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(PAGES[int(start) // 2]).encode()]

    with serve(app) as server:
        yield server


def test_each_page_resumes_at_the_page_and_the_item_that_failed(paged):
    paged.received.clear()
    destination = Destination("post 2", "post 4", "note 5")
    note = fn_if(
        lambda state: "results" in state["data"],
        combine(lambda s: destination.post("note")({**s, "data": s["data"]["results"][0]})),
    )
    operate = each_page("p", each("results", destination.post()), note, next=by_url("next"))
    after = attempts(operate, configuration={"baseUrl": paged.url, "access_token": "hunter2"})
    expected = [*posts([1, 2]), "note 1", *posts([3, 4]), "note 3", *posts([5, 6]), "note 5"]
    assert destination.received == expected
    assert after["references"] == expected[::-1]
    assert (after["data"], after["attempts"]) == (STATE["data"], 4)
    assert [request.args.get("from") for request in paged.received] == [None, "3", "5"]


def test_page_that_cannot_be_fetched_is_fetched_again(paged):
    paged.received.clear()
    destination = Destination()
    good = each("results", destination.post())

    def fail_next(state):
        if state["index"] == 1:
            paged.failures.append(status(503))
        return state

    operate = each_page("p", good, fn(fail_next), next=by_url("next"))
    after = attempts(operate, configuration={"baseUrl": paged.url})
    assert destination.received == posts([1, 2, 3, 4, 5, 6])
    assert after["attempts"] == 2
    assert [request.args.get("from") for request in paged.received] == [None, "3", "5", "5"]
