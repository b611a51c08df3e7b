"""Readable names, and texts for systems that do not accept emoji."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich._emoji_codes import EMOJI

from adaptors.common import data_value, human_proper, scrub_emojis

EMOJIS = sorted(set(EMOJI.values()))
# Below U+2600 and in CJK a sign is text unless U+FE0F follows it (©, ™, ↔, 〰), except for a few.
SIGNS = {emoji for emoji in EMOJIS if len(emoji) == 1 and "\xa9" <= emoji < "\u2600"}
SIGNS = (SIGNS | set("⤴⤵⬅⬆⬇〰〽㊗㊙")) - set("⌚⌛⏩⏪⏫⏬⏰⏳◽◾")


@pytest.mark.parametrize(
    ("text", "proper"),
    [
        ("first_name-of_person", "First Name Of Person"),
        ("AMINA  ouédraogo", "Amina  Ouédraogo"),
        ("élan vital", "Élan Vital"),
        ("(kofi) o'brien", "(Kofi) O'brien"),
        ("", ""),
        (None, None),
        (7, 7),
        (["a_b"], ["a_b"]),
    ],
)
def test_human_proper_makes_a_name_readable(text, proper):
    assert human_proper(text) == proper


def test_every_emoji_of_unicode_is_replaced_as_a_unit():
    pictures = [emoji for emoji in EMOJIS if emoji not in SIGNS]
    assert len(pictures) > 2500
    assert [emoji for emoji in pictures if scrub_emojis(f"a{emoji}b", "!") != "a!b"] == []


def test_sign_is_replaced_only_as_a_picture():
    assert len(SIGNS) > 30
    for sign in SIGNS:
        assert scrub_emojis(f"a{sign}b") == f"a{sign}b"
        assert scrub_emojis(f"a{sign}\ufe0fb", "!") == "a!b"


@pytest.mark.parametrize(
    "emoji",
    [
        "👍🏽",
        "👩🏾‍⚕️",
        "👨‍👩‍👧‍👦",
        "🏳️‍🌈",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "🇧🇫",
        "1️⃣",
        "#⃣",
        "🕊️",
        "❤",
        "❤️‍🔥",
        "🐈‍⬛",
        "🙂‍↔️",
        "🙂‍↔",
        "🚶‍➡️",
        "©️",
    ],
)
def test_emoji_of_several_characters_is_replaced_once(emoji):
    assert scrub_emojis(f"a{emoji}b") == "a\ufffdb"
    assert scrub_emojis(f"{emoji}{emoji}", "!") == "!!"


@pytest.mark.parametrize(
    "text",
    [
        "“Ouédraogo” – ‘Kofi’ — 5 € … ‰ † •",  # noqa: RUF001 - they are what must stay
        "© ® ™ № ℃ → ⇒ ∑ ≤ √ ½ ″",
        "、。「東京」〜・ 〒100",
        "ﷺ سلام می‌خواهم",
        "ක්‍ෂ क्ष ক্ষ",
        "Temp: 37 °C ✓ ★ ♪ 1 * #",
        "❤\ufe0e ☎\ufe0e",
        "a\u200db\ufe0f",
        "0123456789",
        "",
        None,
        7,
    ],
)
def test_other_characters_stay(text):
    assert scrub_emojis(text) == text


@given(st.text() | st.text(st.sampled_from("".join(EMOJIS[::7]) + "\ufe0f\u200d\u20e31🏽🇧é")))
def test_scrubbing_twice_changes_nothing(text):
    once = scrub_emojis(text)
    assert scrub_emojis(once) == once


@given(st.text(st.characters(max_codepoint=0x22FF, exclude_characters="\ufe0f\u20e3")))
def test_letters_digits_and_punctuation_stay(text):
    assert scrub_emojis(text) == text


def test_text_functions_accept_functions_of_the_state():
    state = {"data": {"name": "AMINA_OUÉDRAOGO ⭐"}}
    assert human_proper(data_value("name"))(state) == "Amina Ouédraogo ⭐"
    assert scrub_emojis(data_value("name"), "")(state) == "AMINA_OUÉDRAOGO "
