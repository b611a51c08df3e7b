"""`ofn demo`: posts that arrive, posts that do not, and projects without its inboxes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import ROOT

PROGRAM = Path(sys.executable).parent / "ofn"
SOURCES = ["KoboToolbox", "ODK Aggregate", "CommCare"]


def test_demo_prints_every_source_as_the_readme_shows():
    process = subprocess.run(
        [PROGRAM, "demo"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (process.returncode, process.stderr) == (0, "")
    lines = process.stdout.splitlines()
    assert [line for line in lines if line.endswith(" arrived")] == [
        *(f"{source} arrived" for source in SOURCES),
        "3 of 3 posts arrived",
    ]
    assert "  trigger   kobo-household" in lines
    assert "  run       register-child succeeded" in lines
    assert [line for line in lines if line.startswith("  received  POST /visits {")]
    assert "\x1b" not in process.stdout
    for line in readme_block("$ make demo"):
        # An id is new in every run, and the README shortens long lines.
        start = re.split("message |…", line)[0].rstrip()
        assert [printed for printed in lines if printed.startswith(start)], line


def readme_block(command):
    block = (ROOT / "README.md").read_text("utf-8").split(command)[1].split("```")[0]
    return block.splitlines()[1:]


def test_json_output_lists_every_delivery(ofn):
    ended = ofn("demo", "--project", ROOT / "project", "--json")
    deliveries = json.loads(ended.out)
    assert ended.status == 0
    assert [(delivery["source"], delivery["arrived"]) for delivery in deliveries] == [
        (source, True) for source in SOURCES
    ]
    assert deliveries[2]["triggers"] == ["commcare-visit"]
    assert deliveries[2]["runs"] == ["record-visit succeeded"]
    assert deliveries[2]["received"] == ["POST /visits", "POST /medicines", "POST /medicines"]


def test_posts_that_do_not_arrive_are_printed_with_the_reason_without_a_timeout(ofn, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(ROOT / "project", project, ignore=shutil.ignore_patterns("credentials"))
    text = (project / "project.yaml").read_text("utf-8")
    (project / "project.yaml").write_text(
        text.replace("_xform_id_string: groups", "_xform_id_string: other"), "utf-8"
    )
    job = project / "jobs/register_child.py"
    job.write_text("from adaptors.common import fn\n\nfn(lambda state: 1 / 0)\n")
    started = time.monotonic()
    ended = ofn("demo", "--project", project)
    assert ended.status == 1
    assert time.monotonic() - started < 15  # the timeout for a post that may still arrive
    kobo, odk, commcare = ended.out.split("\n\n")[1:4]
    assert kobo.startswith("KoboToolbox DID NOT ARRIVE\n  response  200 {}")
    assert "  trigger   none matched\n  run       none" in kobo
    assert odk.startswith("ODK Aggregate DID NOT ARRIVE\n")
    assert "register-child failed: line 3, fn: ZeroDivisionError: division by zero" in odk
    assert commcare.startswith("CommCare arrived\n")
    assert ended.out.endswith("\n1 of 3 posts arrived\n")


def test_project_without_the_inboxes_of_the_demo_is_an_error(ofn, project):
    ended = ofn("demo", "--project", project.folder)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(
        "The demo posts to the inboxes commcare and field-data. This project has no inbox commcare "
        "and no inbox field-data."
    )
