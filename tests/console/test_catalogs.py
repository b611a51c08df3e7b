"""The texts of the pages in all languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import nodes

import console
from console import catalogs, rendering
from tests.console.test_pages import text_of

TEMPLATES = Path(console.__file__).with_name("templates")
TRANSLATED = [language for language in catalogs.LANGUAGES if language != "en"]


def texts():
    """Return the English texts of all templates; a plural is a pair."""
    found = set()
    for path in TEMPLATES.glob("*.html"):
        for call in rendering.environment().parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in ("_", "ngettext"):
                count = 1 + (call.node.name == "ngettext")
                found.add(tuple(argument.value for argument in call.args[:count]))
    return found


def entries(language):
    """Return the texts of a catalog by their English texts."""
    path = TEMPLATES.parent / f"locale/{language}.po"
    blocks = path.read_text("utf-8").split("\n\n")[1:]
    return {
        tuple(re.findall(r'^msgid(?:_plural)? "(.*)"$', block, re.MULTILINE)): re.findall(
            r'^msgstr(?:\[\d\])? "(.*)"$', block, re.MULTILINE
        )
        for block in blocks
    }


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalog_has_every_text_and_no_other(language):
    assert len(texts()) > 200
    assert set(entries(language)) == texts()


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_same_placeholders(language):
    def placeholders(text):
        return set(re.findall(r"\{\w+\}", text))

    different = [
        source
        for source, translations in entries(language).items()
        if not all(translations)
        or any(placeholders(t) != placeholders(source[0]) for t in translations)
    ]
    assert different == []


def test_plurals():
    french = catalogs.load("fr")
    pair = ("{number} run", "{number} runs")
    assert [french.ngettext(*pair, n) for n in (1, 2)] == [
        "{number} exécution",
        "{number} exécutions",
    ]
    assert catalogs.load("en").ngettext(*pair, 2) == "{number} runs"


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("", "de,pt-BR;q=0.8", "pt"),
        ("ar", "fr", "ar"),
        ("nonsense", "xx", "en"),
    ],
)
def test_language_is_the_chosen_one_or_the_browsers(cookie, accepted, language):
    assert catalogs.choose(cookie, accepted) == language


def test_pages_are_in_the_readers_language(browser):
    page = browser.get("/", **{"accept-language": "ar"})
    assert '<html lang="ar" dir="rtl">' in page.text
    assert "الرسائل" in page.text
    assert "Needs attention" not in page.text
    assert "À traiter" in text_of(browser.get("/", **{"accept-language": "fr"}))


def test_choice_of_a_language_stays_on_the_page(browser):
    chosen = browser.get("/language/fr?back=/runs%3Fstate%3Dfailed")
    assert chosen.headers["Location"] == "/runs?state=failed"
    assert chosen.headers["Set-Cookie"].startswith("language=fr;")
    for back in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert browser.get(f"/language/fr?back={back}").headers["Location"] == "/"
