"""`ofn new-adaptor`: create a small adaptor with its tests."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import console
from workbench.errors import CommandError

_TEMPLATE = Path(__file__).parent / "adaptor_template"
_CHECKOUT = Path(__file__).resolve().parents[2]
_ADAPTORS, _TESTS = Path("layers/adaptors/adaptors"), Path("tests/adaptors")
_NAME = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
_MAX_LENGTH = 40


def new_adaptor(
    name: Annotated[str, typer.Argument(help="The system's name, such as rapidpro.")],
    into: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="The checkout to write into.")
    ] = _CHECKOUT,
) -> None:
    """Create a small adaptor with tests that pass."""
    for path in write(name, into):
        console.print(str(path.relative_to(into)), markup=False, soft_wrap=True)
    console.print(
        f"Try it: .venv/bin/python -m pytest {_TESTS}/test_{name}.py {_ADAPTORS}/{name}.py\n"
        "docs/adaptors.md explains the next steps. `make docs` adds it to docs/reference.md.",
        markup=False,
        soft_wrap=True,
    )


def write(name: str, root: Path) -> list[Path]:
    """Write both files into a checkout; raise CommandError for an invalid or an existing name."""
    _check_name(name, root)
    templates = {
        root / _ADAPTORS / f"{name}.py": _TEMPLATE / "adaptor.py",
        root / _TESTS / f"test_{name}.py": _TEMPLATE / "test_adaptor.py",
    }
    if existing := next((path for path in templates if path.exists()), None):
        raise CommandError(f"{existing} already exists. Choose another name, or remove the file.")
    for path, template in templates.items():
        text = template.read_text("utf-8")
        titled = text.replace("Skeleton", name.replace("_", " ").capitalize())
        path.write_text(titled.replace("skeleton", name), "utf-8")
    return list(templates)


def _check_name(name: str, root: Path) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > _MAX_LENGTH:
        raise CommandError(
            f"{name} is not a valid adaptor name. Use lower-case letters, digits and single "
            f"underscores ({_MAX_LENGTH} at most), such as rapidpro, and no keyword of Python."
        )
    if not (root / _ADAPTORS / "__init__.py").is_file():
        raise CommandError(f"{root} is not a checkout of this project: it has no {_ADAPTORS}.")
    if (root / _ADAPTORS / name).exists():
        raise CommandError(f"{root / _ADAPTORS / name} already exists. Choose another name.")
