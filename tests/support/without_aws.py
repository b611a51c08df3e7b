"""A plugin of pytest that lets nothing import the libraries of AWS."""

from __future__ import annotations

import sys

LIBRARIES = {"boto3", "botocore", "moto", "samtranslator"}


class _Refuse:
    @staticmethod
    def find_spec(name, _path=None, _target=None):
        if name.partition(".")[0] in LIBRARIES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def pytest_configure():
    """Refuse the libraries from now on; importing this module, as doctests do, changes nothing."""
    for name in [name for name in sys.modules if name.partition(".")[0] in LIBRARIES]:
        raise RuntimeError(f"{name} is imported already.")
    sys.meta_path.insert(0, _Refuse())
