"""Tell the AWS calls of the functions apart by the code that makes them."""

from __future__ import annotations

import json
import re

from workbench.local.lambda_functions import current_function

_EXPRESSIONS = ("UpdateExpression", "ConditionExpression", "KeyConditionExpression", "IndexName")
# The same code stores contents in an item, compressed, or in the bucket.
_STORED_AS = re.compile(r"_?(zlib|object)\b")
_VALUES = (":new_status", ":kind", ":new_state")


def kind_of(name, request):
    """Return a text that is the same for two calls of the same code with the same purpose."""
    is_json = name.startswith(("dynamodb.", "sqs."))
    body = request if is_json else request.get("Key", "").rpartition("/")[2]
    return f"{current_function.get()} {name} {_STORED_AS.sub('', json.dumps(_shape(body)))}"


def _shape(value):
    if isinstance(value, list):
        return sorted({json.dumps(_shape(element)) for element in value})
    if not isinstance(value, dict):
        return ""
    shape = {name: _shape(member) for name, member in value.items() if not _is_typed(member)}
    kept = {name: value[name] for name in (*_EXPRESSIONS, *_VALUES) if name in value}
    return shape | kept | {"attributes": sorted(map(_letters, filter(_is_name, value)))}


def _is_typed(member):
    return isinstance(member, dict) and len(member) == 1 and next(iter(member)) in "SNBM"


def _is_name(name):
    return not name.startswith(":")


def _letters(name):
    # Table names and keys of a batch have random parts.
    return "".join(filter(str.isalpha, name))[:12]
