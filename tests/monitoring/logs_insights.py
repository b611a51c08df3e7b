"""Evaluate the filter of a CloudWatch Logs Insights query, as far as the saved queries use it.

Comparisons (`=`, `in`, `like`), `ispresent`, `and`, `or` and parentheses are supported; anything
else fails the test. Nested fields have dotted names, and `@message` is the line itself.
"""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(r'\s*(/(?:\\.|[^/])*/|"[^"]*"|\[[^\]]*\]|[()=]|[\w@.]+)')


def select(query, lines):
    """Return the lines that a query's filter selects."""
    (expression,) = re.findall(r"(?:^|\| )filter (.+)", query, re.MULTILINE)
    return [line for line in lines if _evaluate(_tokens(expression), fields(line))]


def _tokens(expression):
    tokens = _TOKEN.findall(expression)
    assert _TOKEN.sub("", expression).strip() == "", f"the simulator does not support {expression}"
    return list(reversed(tokens))


def fields(line):
    """Return the fields that CloudWatch discovers in a log line, by their dotted names."""
    discovered = {"@message": line}

    def flatten(prefix, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                flatten(f"{prefix}{key}.", inner)
        else:
            discovered[prefix[:-1]] = value

    if line.startswith("{"):
        flatten("", json.loads(line))
    return discovered


def _evaluate(tokens, fields):
    value = _disjunction(tokens, fields)
    assert tokens == [], f"the simulator does not support {tokens[-1]}"
    return value


def _disjunction(tokens, fields):
    value = _conjunction(tokens, fields)
    while tokens and tokens[-1] == "or":
        tokens.pop()
        value = _conjunction(tokens, fields) or value
    return value


def _conjunction(tokens, fields):
    value = _comparison(tokens, fields)
    while tokens and tokens[-1] == "and":
        tokens.pop()
        value = _comparison(tokens, fields) and value
    return value


def _comparison(tokens, fields):
    token = tokens.pop()
    if token == "(":
        value = _disjunction(tokens, fields)
        assert tokens.pop() == ")"
        return value
    if token == "ispresent":
        _, name, _ = tokens.pop(), tokens.pop(), tokens.pop()
        return name in fields
    operator, operand = tokens.pop(), tokens.pop()
    value = fields.get(token)
    if operator == "=":
        return value == json.loads(operand)
    if operator == "in":
        return value in json.loads(operand)
    assert operator == "like", f"the simulator does not support {operator}"
    return value is not None and re.search(operand[1:-1], str(value)) is not None
