"""Describe what is wrong with a credential, without its values."""

from __future__ import annotations

from pydantic_core import ErrorDetails

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": 'a list such as ["a", "b"]',
    "dict_type": "a JSON object",
    "model_type": "a JSON object",
    "model_attributes_type": "a JSON object",
    "greater_than": "a number greater than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}


def describe_problem(error: ErrorDetails) -> str:
    """Return a sentence that names the key and how to write it."""
    key = ".".join(map(str, error["loc"]))
    if error["type"] == "missing":
        return f"`{key}` is missing."
    if expected := expected_value(error):
        return f"`{key}` must be {expected}."
    text = error["msg"].removeprefix("Value error, ").removesuffix(".")
    return f"`{key}`: {text}." if key else f"{text[:1].upper()}{text[1:]}."


def expected_value(error: ErrorDetails) -> str:
    """Return what a key accepts, such as `a whole number`, or "" if that is not known."""
    context = error.get("ctx", {})
    if error["type"] == "literal_error":
        return str(context["expected"]).replace("'", "")
    return _EXPECTED.get(error["type"], "").format_map(context)
