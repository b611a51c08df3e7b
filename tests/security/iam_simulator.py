"""Decide whether IAM policies allow a call, as far as the template's policies go.

Allow, Deny, wildcards and the prefix of listed objects are evaluated. A statement with anything
else, such as another condition, fails the test instead of being ignored. A list of the objects with
a prefix is a resource of its own: `<bucket>/list/<prefix>`, and so is a secret with the tag of
refresh tokens: `<secret>/tagged`.
"""

from __future__ import annotations

import re
from functools import cache

REFRESH_TAG = "aws:ResourceTag/openfn-refresh"
SUPPORTED_KEYS = {"Sid", "Effect", "Action", "Resource", "Condition"}


def allows(statements, action, resource):
    """Return whether statements allow an action on a resource and none denies it."""
    effects = {
        statement["Effect"] for statement in statements if applies(statement, action, resource)
    }
    return effects == {"Allow"}


def applies(statement, action, resource):
    """Return whether a statement covers an action on a resource."""
    assert set(statement) <= SUPPORTED_KEYS, f"the simulator does not support {statement}"
    actions, resources = as_list(statement["Action"]), resources_of(statement)
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
        for resource in resources_of(statement)
    ]


def resources_of(statement):
    """Return the patterns of a statement's resources, with the prefixes that it lets list."""
    resources = as_list(statement["Resource"])
    if not (condition := statement.get("Condition")):
        return resources
    if condition == {"StringEquals": {REFRESH_TAG: "true"}}:
        return [f"{resource}/tagged" for resource in resources]
    assert set(condition) == {"StringLike"}, f"the simulator does not support {condition}"
    assert set(condition["StringLike"]) == {"s3:prefix"}
    prefixes = as_list(condition["StringLike"]["s3:prefix"])
    return [f"{resource}/list/{prefix}" for resource in resources for prefix in prefixes]


def as_list(value):
    return value if isinstance(value, list) else [value]


def matches(pattern, text, *, ignore_case=False):
    """Return whether a text matches a pattern with the wildcards `*` and `?`."""
    return _compile(pattern, ignore_case).fullmatch(text) is not None


@cache
def _compile(pattern, ignore_case):
    parts = [{"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern]
    return re.compile("".join(parts), re.IGNORECASE if ignore_case else 0)
