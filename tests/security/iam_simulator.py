"""IAM's decision on a call, as far as the template's policies go: Allow, Deny, wildcards.

A condition, `NotAction` or `NotResource` is refused, so that none is passed over unread.
"""

from __future__ import annotations

import re
from functools import cache

PLAIN = {"Sid", "Effect", "Action", "Resource"}


def allows(statements, action, resource):
    """Say whether statements allow an action on a resource, and none denies it."""
    found = {each["Effect"] for each in statements if applies(each, action, resource)}
    return found == {"Allow"}


def applies(statement, action, resource):
    assert set(statement) <= PLAIN, f"a statement says more than is understood: {statement}"
    acts = any(matches(each, action, fold=True) for each in listed(statement["Action"]))
    return acts and any(matches(each, resource) for each in listed(statement["Resource"]))


def grants(statements):
    """Give each action that a statement allows, with each of its resources."""
    return [
        (action, resource)
        for each in statements
        if each["Effect"] == "Allow"
        for action in listed(each["Action"])
        for resource in listed(each["Resource"])
    ]


def listed(value):
    return value if isinstance(value, list) else [value]


def matches(pattern, text, *, fold=False):
    """Say whether a text is what a pattern with `*` and `?` means; actions in any case."""
    return _compiled(pattern, fold).fullmatch(text) is not None


@cache
def _compiled(pattern, fold):
    parts = [{"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern]
    return re.compile("".join(parts), re.IGNORECASE if fold else 0)
