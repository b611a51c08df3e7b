"""An adaptor and a job test that were written for the first release still work, with warnings."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import adaptors
from tests.conftest import ROOT

FIRST_ADAPTOR = Path(__file__).parent / "first_adaptor"
DEPRECATED_MODULES = [*(f"adaptors.{name}" for name in adaptors.DEPRECATED_MODULES)]


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the adaptor that `ofn new-adaptor ward_book` of the first release wrote."""
    shutil.copytree(
        ROOT / "layers/adaptors/adaptors",
        tmp_path / "layers/adaptors/adaptors",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copytree(ROOT / "tests/support", tmp_path / "tests/support")
    (tmp_path / "tests/adaptors").mkdir()
    shutil.copy(ROOT / "tests/adaptors/serving.py", tmp_path / "tests/adaptors")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for source, target in (
        ("adaptor.py.txt", "layers/adaptors/adaptors/ward_book.py"),
        ("test_adaptor.py.txt", "tests/adaptors/test_ward_book.py"),
    ):
        text = (FIRST_ADAPTOR / source).read_text("utf-8")
        (tmp_path / target).write_text(text.replace("skeleton", "ward_book"), "utf-8")
    return tmp_path


def test_adaptor_of_the_first_release_passes_its_own_tests(checkout):
    path = os.pathsep.join(map(str, (checkout, checkout / "layers/adaptors")))
    process = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider"),
            *("-W", "default::DeprecationWarning"),
            "layers/adaptors/adaptors/ward_book.py",
            "tests/adaptors/test_ward_book.py",
        ],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "adaptors.transport is deprecated: import from adaptors.sdk." in process.stdout


@pytest.mark.parametrize("name", [*DEPRECATED_MODULES, "workbench.jobtests"])
def test_deprecated_module_warns_and_names_its_successor(name):
    sys.modules.pop(name, None)
    with pytest.warns(DeprecationWarning, match=f"{name} is deprecated: import from "):
        importlib.import_module(name)


def test_deprecated_modules_are_not_adaptors():
    assert set(adaptors.names()).isdisjoint(adaptors.DEPRECATED_MODULES)
