"""Lines for the terminal are written in the background, in order and all of them."""

from __future__ import annotations

import io
import threading

from workbench.delayed_writes import delaying_writes


class Terminal(io.StringIO):
    """A terminal that counts writes."""

    def __init__(self):
        super().__init__()
        self.writes, self.has_text = 0, threading.Event()

    def write(self, text):
        self.writes += 1
        self.has_text.set()
        return super().write(text)


def test_lines_are_written_together_and_in_order():
    terminal = Terminal()
    lines = [f"line {number}\n" for number in range(1_000)]
    with delaying_writes(terminal) as write:
        for line in lines:
            write(line)
    assert terminal.getvalue() == "".join(lines)
    assert terminal.writes < 50


def test_lines_are_written_while_the_stack_runs():
    terminal = Terminal()
    with delaying_writes(terminal) as write:
        write("stored\n")
        assert terminal.has_text.wait(10)
        terminal.has_text.clear()
        write("matched\n")
        assert terminal.has_text.wait(10)
    assert terminal.getvalue() == "stored\nmatched\n"


def test_a_closed_terminal_does_not_stop_the_stack():
    terminal = Terminal()
    with delaying_writes(terminal) as write:
        terminal.close()
        write("stored\n")
