"""What a person at the command line can mend.

WorkbenchError
└── CannotDo      something asked for, or this machine, is not as it must be
"""

from __future__ import annotations


class WorkbenchError(Exception):
    """The root of the tree."""


class CannotDo(WorkbenchError):
    """Something asked for, or this machine, is not as it must be; the text says what to do."""
