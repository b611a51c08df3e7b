"""docs/reference.md is generated from the adaptors."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

import adaptors
from adaptors.operations import State, next_state, operation
from tests.workbench.more import clinic
from workbench import reference
from workbench.reference import FILE

NOTHING = object()


@pytest.fixture
def page():
    """Return the section of an adaptor `clinic` with these operations."""

    def make(**operations):
        module = ModuleType("adaptors.clinic", "A clinic.\n\nIt has wards.")
        vars(module).update(Configuration=clinic.Configuration, **operations)
        module.__all__ = ["Configuration", *operations, "State"]
        module.State = dict[str, int]
        return reference.section(module)

    return make


@operation
def admit(state, patient, *wards, bed=NOTHING, note="a, b", urgent=False) -> State:
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
) -> State:
    """Discharge a patient."""
    return state


def bed_of(patient):
    """Return a patient's bed."""
    return patient["bed"]


class Ward:
    """A ward."""


def test_page_in_the_documentation_is_up_to_date():
    assert FILE.read_text("utf-8") == reference.page(), "run `make docs`"


@pytest.mark.parametrize("name", ["common", *adaptors.names()])
def test_every_adaptor_is_listed_with_its_operations(name):
    page = reference.page()
    assert f"- [{name}](#{name}): " in page
    assert re.search(rf"^### {name}\.\w+$", page, re.MULTILINE)


def test_signature_is_that_of_a_call_in_a_job(page):
    assert "admit(patient, *wards, bed=…, note='a, b', urgent=False)" in page(admit=admit)


def test_long_signature_has_one_line_per_argument(page):
    signature = page(discharge=discharge).partition("```python\n")[2].partition("\n```")[0]
    assert signature.splitlines() == [
        "discharge(",
        "    patient,",
        "    *,",
        "    because='they are well again',",
        "    by='the head nurse',",
        "    on='the day itself',",
        "    to=1,",
        ")",
    ]


def test_examples_stay_between_their_paragraphs(page):
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


def test_credential_is_a_table_of_its_keys(page):
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert rows[:4] == [
        "| `hostUrl` | required | The address of the clinic. |",
        "| `password` | secret | The user's password. |",
        "| `access_token` | secret | A token. |",
        "| `port` |  | The port. Default: `5432`. |",
    ]
    assert "| `tls.key` | secret | The certificate's key, as PEM. |" in rows
    assert page().startswith("## clinic\n")
    assert "It has wards." in page()


def test_only_operations_are_listed(page):
    assert re.findall(r"^### (.*)$", page(admit=admit), re.MULTILINE) == ["clinic.admit"]


def test_head_of_an_adaptor_links_its_operations_and_the_other_functions(page):
    head = page(admit=admit, Ward=Ward, bed_of=bed_of, discharge=discharge).partition("###")[0]
    assert head.endswith(
        "Operations: [`admit`](#clinicadmit), [`discharge`](#clinicdischarge).\n\n"
        "Values, functions and classes: [`Ward`](#clinicward), [`bed_of`](#clinicbed_of).\n\n"
    )
