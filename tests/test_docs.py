"""The documentation: its links lead somewhere, and its commands, options and targets exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import typer
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.conftest import ROOT
from workbench.cli.main import app

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
# The arguments after the program's name: `ofn replay --fresh`, `.venv/bin/ofn inbox add kobo`.
COMMAND = re.compile(r"(?:^|[\s`])(?:\.venv/bin/)?ofn ([a-z]+(?:-[a-z]+)*\b[^`\n]*)")
TARGET = re.compile(r"^(?:\$ )?(?:sudo -u \S+ )?make ([a-z./]+)", re.MULTILINE)
MAX_WIDTH = 120


def test_there_are_pages():
    assert len(PAGES) > 15


def test_every_link_leads_to_a_file_and_a_heading():
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in PAGES
        for link in links(page)
        if not leads_somewhere(page, link)
    ]
    assert broken == []


def test_every_ofn_command_and_option_exists():
    ofn = typer.main.get_command(app)
    unknown = [
        f"{page.relative_to(ROOT)}: ofn {words}"
        for page in PAGES
        for code in code_in(page)
        for words in COMMAND.findall(code)
        if not is_command(ofn, words)
    ]
    assert unknown == []


def test_every_make_target_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE)) | {".venv/.ready"}
    named = {name for page in PAGES for code in code_in(page) for name in TARGET.findall(code)}
    assert named
    assert named - targets == set()


def test_lines_of_prose_are_wrapped():
    long = [
        f"{page.relative_to(ROOT)}:{number}"
        for page in PAGES
        if page.name != "reference.md"  # `make docs` writes it
        for number, line in prose(page)
        if len(line) > MAX_WIDTH
    ]
    assert long == []


@cache
def tokens(page: Path) -> list[Token]:
    blocks = MarkdownIt().enable("table").parse(page.read_text("utf-8"))
    return [token for block in blocks for token in (block, *(block.children or ()))]


def links(page):
    links = [token.attrs["href"] for token in tokens(page) if token.type == "link_open"]
    return [link for link in links if not re.match("[a-z]+:", link)]


def leads_somewhere(page, link):
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


@cache
def anchors(page: Path) -> set[str]:
    text = page.read_text("utf-8")
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    return slugs | set(re.findall(r'<a id="([^"]+)"></a>', text))


def code_in(page):
    return [token.content for token in tokens(page) if token.type in {"code_inline", "fence"}]


def is_command(ofn, words):
    command = ofn
    for word in words.split():
        subcommand = getattr(command, "commands", {}).get(word)
        if subcommand is None:
            break
        command = subcommand
    options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    named = re.findall(r"(?<![\w-])--[a-z][a-z-]*", words.split("#")[0])
    return command is not ofn and set(named) <= {*options, "--help"}


def prose(page):
    fenced = False
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        fenced ^= line.lstrip().startswith("```")
        # A row of a table cannot be wrapped, nor can a line that is one link.
        if not fenced and not line.lstrip().startswith("|") and len(line.split()) > 1:
            yield number, line
