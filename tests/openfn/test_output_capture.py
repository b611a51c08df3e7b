"""Capturing what a job prints."""
# ruff: noqa: T201 - printing is the point

from __future__ import annotations

import io
import logging
import sys
import threading

import pytest

from openfn.jobs.output_capture import capture, capture_job


def test_output_inside_the_context_is_captured(capsys):
    pieces = []
    print("before")
    with capture(pieces.append):
        print("inside", 7, sep=", ")
    print("after")
    assert "".join(pieces) == "inside, 7\n"
    assert capsys.readouterr().out == "before\nafter\n"


def test_standard_output_is_restored(capsys):
    real = sys.stdout
    with capture([].append):
        assert sys.stdout is not real
    assert sys.stdout is real


def test_standard_output_is_restored_after_an_error(capsys):
    real = sys.stdout
    with pytest.raises(ValueError, match="no"), capture([].append):
        raise ValueError("no")
    assert sys.stdout is real
    print("after")
    assert capsys.readouterr().out == "after\n"


def test_standard_output_is_restored_after_a_job_that_replaced_it(capsys):
    real = sys.stdout
    with capture([].append):
        sys.stdout = io.StringIO()
    assert sys.stdout is real


def test_nested_captures_get_their_own_output(capsys):
    real, outer, inner = sys.stdout, [], []
    with capture(outer.append):
        print("1")
        with capture(inner.append):
            print("2")
        print("3")
    assert ("".join(outer), "".join(inner)) == ("1\n3\n", "2\n")
    assert sys.stdout is real


def test_all_kinds_of_writes_are_captured(capsys):
    pieces = []
    with capture(pieces.append):
        sys.stdout.write("a")
        sys.stdout.writelines(["b", "c"])
        sys.stdout.flush()
        print("d", end="", flush=True)
    assert "".join(pieces) == "abcd"
    assert capsys.readouterr().out == ""


def test_write_returns_the_number_of_characters(capsys):
    with capture([].append):
        assert sys.stdout.write("né\n") == 3


def test_concurrent_threads_capture_their_own_output(capsys):
    real = sys.stdout
    together = threading.Barrier(2, timeout=5)
    printed = {"a": [], "b": []}

    def job(name):
        with capture(printed[name].append):
            together.wait()  # both capture now
            for number in range(50):
                print(name, number)
            together.wait()  # and neither has ended before both have printed

    threads = [threading.Thread(target=job, args=[name]) for name in printed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, pieces in printed.items():
        assert "".join(pieces) == "".join(f"{name} {number}\n" for number in range(50))
    assert sys.stdout is real
    assert capsys.readouterr().out == ""


def test_last_capture_to_end_restores_standard_output(capsys):
    real, pieces = sys.stdout, []
    begun, first_has_ended = threading.Event(), threading.Event()

    def second():
        with capture(pieces.append):
            begun.set()
            assert first_has_ended.wait(5)
            print("still captured")

    with capture([].append):
        thread = threading.Thread(target=second)
        thread.start()
        assert begun.wait(5)
    print("of the first, after its end")
    first_has_ended.set()
    thread.join()
    assert "".join(pieces) == "still captured\n"
    assert capsys.readouterr().out == "of the first, after its end\n"
    assert sys.stdout is real


def test_output_of_threads_without_a_capture_goes_to_standard_output(capsys):
    pieces = []
    with capture(pieces.append):
        thread = threading.Thread(target=print, args=["of the process"])
        thread.start()
        thread.join()
    assert capsys.readouterr().out == "of the process\n"
    assert pieces == []


def test_job_is_captured_with_its_standard_error_and_logging(capfd, caplog):
    pieces = []
    with capture_job(pieces.append):
        print("out")
        print("err", file=sys.stderr)
        logging.getLogger("own").error("line %s", 1)
    assert "".join(pieces) == "out\nerr\nERROR own: line 1\n"
    assert ("".join(capfd.readouterr()), caplog.text) == ("", "")


def test_logging_and_standard_error_outside_of_jobs_are_not_captured(capfd, caplog):
    pieces = []
    with capture(pieces.append):
        print("err", file=sys.stderr)
        logging.getLogger("own").error("line")
    assert pieces == []
    assert capfd.readouterr().err == "err\n"
    assert "line" in caplog.text
