"""Errors that the user of the command line can fix.

WorkbenchError
└── CommandError      an argument, an option or this machine is not as the command needs it
"""

from __future__ import annotations


class WorkbenchError(Exception):
    """The root of the tree."""


class CommandError(WorkbenchError):
    """An argument, an option or this machine is not as the command needs it.

    The text says what to do.
    """
