"""`ofn check` finds what cannot work, with a suggestion."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.workbench.conftest import DIGEST, GOOD, JOB
from workbench.project.undefined_names import undefined_names

CREDENTIAL = "credentials: {remote: {adaptor: dhis2}}\n"
WITH_CREDENTIAL = GOOD.replace("trigger: form\n", "trigger: form\n    credential: remote\n")


@pytest.fixture
def check(ofn, project):
    """Return the lines that `ofn check` prints for a project.yaml and a job."""

    def run(yaml=GOOD, code=JOB):
        project.write("project.yaml", yaml)
        project.write("jobs/go.py", dedent(code))
        ended = ofn("check", "--project", project.folder)
        return (ended.err or ended.out).splitlines()

    return run


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dataValue('age')(state)", "`dataValue` is not defined. Did you mean `data_value`?"),
        ("each('x', fn)", "`each` is not defined. Write `from adaptors.common import each`."),
        ("post('x')", "`post` is not defined. Write `from adaptors.http import post`."),
        ("zzz", "`zzz` is not defined. Is it spelled correctly and imported?"),
    ],
)
def test_undefined_name_inside_a_function_is_a_problem(check, line, message):
    code = f"from adaptors.common import fn\ndef f(state):\n    {line}\n    return state\nfn(f)\n"
    assert check(code=code) == [f"jobs/go.py:3: {message}"]


@pytest.mark.parametrize(
    ("line", "problems"),
    [
        ("from adaptors.common import *", ["line 4: dataValue"]),
        ("from adaptors.common import *\nfrom math import *", ["line 5: dataValue"]),
        ("from no_such_module import *", []),
        ("from .beside import *", []),
    ],
)
def test_undefined_name_beside_a_star_import_is_a_problem(line, problems):
    code = f"{line}\ndef f(state):\n    data_value('x')(state)\n    return dataValue('x')\n"
    found = [f"line {line}: {text.split('`')[1]}" for line, text in undefined_names(code.encode())]
    assert found == problems


def test_misspelled_import_has_a_suggestion(check):
    (line,) = check(code="from adaptors.common import dataValue, fn\nfn(dataValue('x'))\n")
    assert line.endswith("Did you mean `data_value`?")


@pytest.mark.parametrize(
    "code",
    [
        "import os.path as p\nx: int = 1\nprint(x, p, __file__)",
        "def f(a, *b, c=1, **d): return a, b, c, d, f",
        "class A:\n    y = 1\n    def f(self): return __class__, self.y, A",
        "def f():\n    global late\n    late = 1\n\ndef g(): return late",
        "try:\n    1\nexcept ValueError as e:\n    print(e)\nprint([(j := i) for i in [1]], j)",
        "match 1:\n    case {'a': b, **rest}: print(b, rest)\n    case [c, *d]: print(c, d)",
        "from adaptors.common import *\nfn(field)",
        "x = [lambda s, k=k: (s, k) for k in 'ab']",
        "def f():\n    y = 1\n    def g(): return y\n    return g",
        "# -*- coding: latin-1 -*-\nx = '\xe9'\nprint(x)",
    ],
)
def test_defined_names_are_no_problem(code):
    assert list(undefined_names(code.encode("latin-1"))) == []


@pytest.mark.parametrize(
    ("code", "warning"),
    [
        (
            "from adaptors.salesforce import create\ncreate('Case', {})",
            "The job go uses the adaptor salesforce, but its credential remote is for",
        ),
        ("from adaptors import odk\nodk.get('x')", "The job go uses the adaptor odk, but"),
    ],
)
def test_operations_of_another_adaptor_than_the_credentials_have_a_warning(check, code, warning):
    lines = check(WITH_CREDENTIAL + CREDENTIAL, f"{code}\n")
    assert lines[0].startswith(f"warning: jobs/go.py:1: {warning}")


@pytest.mark.parametrize(
    "code",
    [
        "from adaptors.dhis2 import create\ncreate('events', {})\n",
        "from adaptors.http import get\nget('https://dhis2.example.org/api/me')\n",
        JOB,
    ],
)
def test_operations_that_can_use_the_credential_have_no_warning(check, code):
    (line,) = check(WITH_CREDENTIAL + CREDENTIAL, code)
    assert line.endswith("No problems found.")


@pytest.mark.parametrize(
    ("code", "warning"),
    [
        ("post('households', {})", "`households` is no complete URL, and the job go has no"),
        ("request('GET', '/x')", "`/x` is no complete URL"),
        ("get('registry.example.org/x')", "`registry.example.org/x` is no complete URL"),
        ("get('https://registry.example.org/x')", None),
        ("get(lambda state: 'x')", None),
    ],
)
def test_relative_path_without_a_credential_has_a_warning(check, code, warning):
    lines = check(code=f"from adaptors.http import get, post, request\n{code}\n")
    assert len(lines) == (2 if warning else 1)
    assert not warning or lines[0].startswith(f"warning: jobs/go.py:2: {warning}")


@pytest.mark.parametrize(("adaptor", "warns"), [("dhis2", True), ("odk", False), ("http", False)])
def test_relative_path_with_a_credential_without_base_url_has_a_warning(check, adaptor, warns):
    credential = CREDENTIAL.replace("dhis2", adaptor)
    lines = check(WITH_CREDENTIAL + credential, "from adaptors.http import get\nget('api/me')\n")
    warning = "`api/me` is no complete URL, and a credential of the adaptor dhis2 has no `baseUrl`."
    assert (warning in lines[0]) == warns


def test_operations_that_need_a_credential_without_one_have_a_warning(check):
    first, _ = check(code="from adaptors.dhis2 import get\nget('me')\n")
    assert first.endswith("The job go uses the adaptor dhis2 but has no `credential`.")


def test_trigger_that_no_job_uses_has_a_warning(check):
    first, _ = check(GOOD.replace("jobs:\n", "  spare: {cron: '0 1 * * *'}\njobs:\n"))
    assert first.startswith("warning: project.yaml:7: triggers.spare: No job uses this trigger.")


def test_placeholder_hash_has_a_warning(check):
    first, _ = check(GOOD.replace(DIGEST, f"'{'0' * 64}'"))
    assert "inboxes.field.id_sha256: This is a placeholder" in first
