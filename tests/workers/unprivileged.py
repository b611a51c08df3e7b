"""Run a Python program of the tests as a user other than root, and return what it prints as JSON.

Root may read the `/proc` files of all processes and fork without limit, so some of the isolation
can be shown for other users only, as in Lambda.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_LAYERS = [ROOT / "layers" / name for name in ("core", "adaptors", "console", "javascript")]
_NOBODY = 65534
_USER = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": ":".join([*map(str, _LAYERS), sysconfig.get_path("purelib")]),
    "PYTHONDONTWRITEBYTECODE": "1",
    "HOME": "/tmp",
}


def run(program, *arguments, seconds=100, **environment):
    """Run a module below tests as an unprivileged user; return its last line, parsed as JSON."""
    result = subprocess.run(
        [_python(), "-m", program, *arguments],
        cwd=ROOT,
        env=_ENVIRONMENT | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        **_USER,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-5000:]
    return json.loads(result.stdout.splitlines()[-1])


@cache
def _python():
    """Return a Python of this version that other users may execute."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            subprocess.run([path, "-c", "import moto"], env=_ENVIRONMENT, check=True, **_USER)
        except OSError:
            continue
        return path
    pytest.skip(f"no {version} that other users may execute")
