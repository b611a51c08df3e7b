"""The vocabulary of every job as a whole."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from adaptors import common

HEAVY = ["jsonschema", "jsonpath", "pydantic", "requests", "xmltodict", "rpds"]


def test_every_public_name_exists_and_has_a_docstring():
    public = [getattr(common, name) for name in common.__all__]
    functions = [value for value in public if inspect.isfunction(value)]
    assert len(functions) > 20
    assert all(function.__doc__ and ">>>" in function.__doc__ for function in functions)


def test_importing_common_loads_no_library():
    code = f"import sys, adaptors.common; print(sorted({{*sys.modules}} & {{*{HEAVY}}}))"
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert output.strip() == "[]"


def test_job_without_jsonpath_does_not_load_its_library():
    code = (
        "import sys; from adaptors.common import data_path, data_value, each, source\n"
        "each(data_path('visits[*]'), lambda state: state)({'data': {'visits': [{'a/b': 1}]}})\n"
        "source('$.data.visits[0].a/b'), data_value('$.group1/name')\n"
        f"print(sorted({{*sys.modules}} & {{*{HEAVY}}}))"
    )
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert output.strip() == "[]"


def test_http_is_an_attribute_of_common():
    from adaptors import http  # noqa: PLC0415
    from adaptors.common import http as reached  # noqa: PLC0415

    assert reached is http


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Configuration'"):
        common.Configuration  # noqa: B018
