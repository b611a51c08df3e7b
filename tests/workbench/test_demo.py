"""`ofn demo`: real posts from source to destination, and what is said of those that get lost."""

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


def test_the_demo_names_every_source_in_plain_lines():
    ran = subprocess.run(
        [PROGRAM, "demo"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert [line for line in lines if line.endswith(" arrived")] == [
        *(f"{source} arrived" for source in SOURCES),
        "3 of 3 posts arrived",
    ]
    assert "  trigger   kobo-household" in lines
    assert "  run       register-child succeeded" in lines
    assert [line for line in lines if line.startswith("  received  POST /visits {")]
    assert "\x1b" not in ran.stdout
    for line in readme_block("$ make demo"):
        # An id is new in every run, and the README shortens long lines.
        start = re.split("message |…", line)[0].rstrip()
        assert [printed for printed in lines if printed.startswith(start)], line


def readme_block(command):
    block = (ROOT / "README.md").read_text("utf-8").split(command)[1].split("```")[0]
    return block.splitlines()[1:]


def test_the_demo_gives_a_machine_what_became_of_each_post(ofn):
    ended = ofn("demo", "--project", ROOT / "project", "--json")
    journeys = json.loads(ended.out)
    assert ended.status == 0
    assert [(each["source"], each["arrived"]) for each in journeys] == [
        (source, True) for source in SOURCES
    ]
    assert journeys[2]["triggers"] == ["commcare-visit"]
    assert journeys[2]["runs"] == ["record-visit succeeded"]
    assert journeys[2]["received"] == ["POST /visits", "POST /medicines", "POST /medicines"]


def test_posts_that_do_not_arrive_are_named_with_the_reason_and_not_waited_for(ofn, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(ROOT / "project", project, ignore=shutil.ignore_patterns("credentials"))
    written = (project / "project.yaml").read_text("utf-8")
    (project / "project.yaml").write_text(
        written.replace("_xform_id_string: groups", "_xform_id_string: other"), "utf-8"
    )
    job = project / "jobs/register_child.py"
    job.write_text("from adaptors.common import fn\n\nfn(lambda state: 1 / 0)\n")
    began = time.monotonic()
    ended = ofn("demo", "--project", project)
    assert ended.status == 1
    assert time.monotonic() - began < 15  # the time a post is given that may still arrive
    kobo, odk, commcare = ended.out.split("\n\n")[1:4]
    assert kobo.startswith("KoboToolbox DID NOT ARRIVE\n  answer    200 {}")
    assert "  trigger   none matched\n  run       none" in kobo
    assert odk.startswith("ODK Aggregate DID NOT ARRIVE\n")
    assert "register-child failed: line 3, fn: ZeroDivisionError: division by zero" in odk
    assert commcare.startswith("CommCare arrived\n")
    assert ended.out.endswith("\n1 of 3 posts arrived\n")


def test_a_project_without_the_demo_s_inboxes_is_told_so(ofn, project):
    ended = ofn("demo", "--project", project.folder)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(
        "the demo posts to commcare and field-data, and this project has no inbox commcare nor "
        "field-data"
    )
