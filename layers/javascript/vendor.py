"""Fetch the JavaScript libraries of `javascript/vendor` from npm, and check their hashes.

`make vendor` runs this, for those who change a version in vendor.json. npm checks the package
against its integrity, and this file what is taken out of it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "javascript/vendor"


def main() -> int:
    """Fetch each library; return 1 if one is not what vendor.json says."""
    vendored: dict[str, dict[str, Any]] = json.loads((_FOLDER / "vendor.json").read_text("utf-8"))
    changed = [name for name, package in vendored.items() if not _fetch(name, package)]
    for name in changed:
        print(f"{name}: the file has another hash than vendor.json says; nothing was written.")
    return bool(changed)


def _fetch(name: str, package: dict[str, Any]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--json", f"{name}@{package['version']}"]
        output = subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout  # noqa: S603 - a fixed command
        (packed,) = json.loads(output)
        if packed["integrity"] != package["integrity"]:
            return False
        with tarfile.open(Path(folder, packed["filename"])) as archive:
            content = _read(archive, f"package/{package['file']}")
            names = archive.getnames()
            license_text = _read(archive, next(n for n in names if n.startswith("package/LICENSE")))
    if hashlib.sha256(content).hexdigest() != package["sha256"]:
        return False
    (_FOLDER / f"{name}.js").write_bytes(content)
    (_FOLDER / f"{name}.LICENSE").write_bytes(license_text)
    return True


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise FileNotFoundError(name)
    return file.read()


if __name__ == "__main__":
    sys.exit(main())
