"""Errors that the user of the command line can fix.

WorkbenchError
└── CommandError      a wrong argument or option, or something missing on this machine
"""

from __future__ import annotations


class WorkbenchError(Exception):
    """The root of the tree."""


class CommandError(WorkbenchError):
    """A wrong argument or option, or something missing on this machine.

    The text says how to fix it.
    """
