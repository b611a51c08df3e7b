"""`ofn new-adaptor`: the beginning of an adaptor, which works, and its tests."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import console
from workbench.errors import CommandError

_SKELETON = Path(__file__).parent / "adaptor_template"
_CHECKOUT = Path(__file__).resolve().parents[2]
_ADAPTORS, _TESTS = Path("layers/adaptors/adaptors"), Path("tests/adaptors")
_NAME = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 40


def new_adaptor(
    name: Annotated[str, typer.Argument(help="The system's name, such as rapidpro.")],
    into: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="The checkout to write into.")
    ] = _CHECKOUT,
) -> None:
    """Write an adaptor to begin with, and its tests: a module each, which pass as they are."""
    for path in write(name, into):
        console.print(str(path.relative_to(into)), markup=False, soft_wrap=True)
    console.print(
        f"Try it: .venv/bin/python -m pytest {_TESTS}/test_{name}.py {_ADAPTORS}/{name}.py\n"
        "docs/adaptors.md says how to go on; `make docs` puts it into docs/reference.md.",
        markup=False,
        soft_wrap=True,
    )


def write(name: str, root: Path) -> list[Path]:
    """Write both files into a checkout; `CommandError` when the name will not do or is taken."""
    _must_be_free(name, root)
    files = {
        root / _ADAPTORS / f"{name}.py": _SKELETON / "adaptor.py",
        root / _TESTS / f"test_{name}.py": _SKELETON / "test_adaptor.py",
    }
    if there := next((path for path in files if path.exists()), None):
        raise CommandError(f"{there} is there already: take another name, or remove it")
    for path, template in files.items():
        text = template.read_text("utf-8")
        titled = text.replace("Skeleton", name.replace("_", " ").capitalize())
        path.write_text(titled.replace("skeleton", name), "utf-8")
    return list(files)


def _must_be_free(name: str, root: Path) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > _LONGEST:
        raise CommandError(
            f"{name} cannot be an adaptor's name: take small letters, digits and single _ "
            f"({_LONGEST} at most) as in rapidpro, and no word of Python's own"
        )
    if not (root / _ADAPTORS / "__init__.py").is_file():
        raise CommandError(f"{root} is no checkout of this project: it has no {_ADAPTORS}")
    if (root / _ADAPTORS / name).exists():
        raise CommandError(f"{root / _ADAPTORS / name} is there already: take another name")
