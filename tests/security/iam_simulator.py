"""Decide whether IAM policies allow a call, as far as the template's policies go.

Allow, Deny and wildcards are evaluated. A statement with anything else, such as a condition, fails
the test instead of being ignored.
"""

from __future__ import annotations

import re
from functools import cache

SUPPORTED_KEYS = {"Sid", "Effect", "Action", "Resource"}


def allows(statements, action, resource):
    """Return whether statements allow an action on a resource and none denies it."""
    effects = {
        statement["Effect"] for statement in statements if applies(statement, action, resource)
    }
    return effects == {"Allow"}


def applies(statement, action, resource):
    """Return whether a statement covers an action on a resource."""
    assert set(statement) <= SUPPORTED_KEYS, f"the simulator does not support {statement}"
    actions, resources = as_list(statement["Action"]), as_list(statement["Resource"])
    return any(matches(pattern, action, ignore_case=True) for pattern in actions) and any(
        matches(pattern, resource) for pattern in resources
    )


def grants(statements):
    """Return the pairs of action and resource that statements allow."""
    return [
        (action, resource)
        for statement in statements
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]


def as_list(value):
    return value if isinstance(value, list) else [value]


def matches(pattern, text, *, ignore_case=False):
    """Return whether a text matches a pattern with the wildcards `*` and `?`."""
    return _compile(pattern, ignore_case).fullmatch(text) is not None


@cache
def _compile(pattern, ignore_case):
    parts = [{"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern]
    return re.compile("".join(parts), re.IGNORECASE if ignore_case else 0)
