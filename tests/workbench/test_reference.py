"""docs/reference.md says what the adaptors say of themselves."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

import adaptors
from adaptors.operations import next_state, operation
from tests.workbench.more import clinic
from workbench import reference
from workbench.reference import FILE

NOTHING = object()


@pytest.fixture
def page():
    """Give the page of one adaptor more, which is `clinic` with these operations."""

    def make(**named):
        module = ModuleType("adaptors.clinic", "A clinic.\n\nIt has wards.")
        vars(module).update(Configuration=clinic.Configuration, **named)
        module.__all__ = ["Configuration", *named, "State"]
        module.State = dict[str, int]
        return reference.of(module)

    return make


@operation
def admit(state, patient, *wards, bed=NOTHING, note="a, b", urgent=False):
    """Admit a patient; `data` becomes the bed.

    Wards are asked in turn.

    >>> admit("Amina", urgent=True)({"data": 1})["data"]
    'Amina'
    >>> for _ in range(1):
    ...     print("x")  # doctest: +ELLIPSIS
    x

    Nothing else.
    """
    return next_state(state, patient)


@operation
def discharge(
    state, patient, *, because="they are well again", by="the head nurse", on="the day itself", to=1
):
    """Discharge a patient."""
    return state


def test_the_page_in_the_documentation_is_the_one_the_code_makes():
    assert FILE.read_text("utf-8") == reference.text(), "it has changed: `make docs`"


@pytest.mark.parametrize("name", ["common", *adaptors.names()])
def test_every_adaptor_is_in_it_with_its_operations_and_linked(name):
    page = reference.text()
    assert f"- [{name}](#{name}): " in page
    assert re.search(rf"^### {name}\.\w+$", page, re.MULTILINE)


def test_an_operation_is_shown_as_a_job_calls_it(page):
    assert "admit(patient, *wards, bed=…, note='a, b', urgent=False)" in page(admit=admit)


def test_a_long_signature_has_a_line_for_each_argument(page):
    shown = page(discharge=discharge).partition("```python\n")[2].partition("\n```")[0]
    assert shown.splitlines() == [
        "discharge(",
        "    patient,",
        "    *,",
        "    because='they are well again',",
        "    by='the head nurse',",
        "    on='the day itself',",
        "    to=1,",
        ")",
    ]


def test_examples_stand_between_the_paragraphs_they_belong_to(page):
    assert (
        page(admit=admit).partition("urgent=False)\n```\n")[2]
        == """
Admit a patient; `data` becomes the bed.

Wards are asked in turn.

```python
>>> admit("Amina", urgent=True)({"data": 1})["data"]
'Amina'
>>> for _ in range(1):
...     print("x")
x
```

Nothing else.
"""
    )


def test_a_credential_is_a_table_of_its_keys(page):
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert rows[:4] == [
        "| `hostUrl` | needed | The address of the clinic. |",
        "| `password` | secret | The user's password. |",
        "| `access_token` | secret | A token. |",
        "| `port` |  | The port. `5432` if left out. |",
    ]
    assert "| `tls.key` | secret | The certificate's key, as PEM. |" in rows
    assert page().startswith("## clinic\n")
    assert "It has wards." in page()


def test_only_what_a_job_calls_is_in_it(page):
    assert re.findall(r"^### (.*)$", page(admit=admit), re.MULTILINE) == ["clinic.admit"]
