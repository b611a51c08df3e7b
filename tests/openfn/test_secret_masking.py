"""Secrets are masked in the log and error of a run; similar words are not."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import pprint
import shlex
import subprocess
import sys
import textwrap
import time
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfn.jobs.secret_masking import Masker

CREDENTIAL = {
    "baseUrl": "https://dhis2.example.org/api",
    "username": "amina",
    "password": "p@ss/w0rd: x",
    "nested": {"access_token": "tok-1234567890"},
    "apiKeys": ["k-000111222333"],
    "port": 443,
    "pin_key": "7",
}
LINES = [base64.b64encode(bytes([n]) * 48).decode() for n in range(1, 20)]
PEM = "\n".join(["-----BEGIN PRIVATE KEY-----", *LINES, "aQ==", "-----END PRIVATE KEY-----", ""])


def mask(text, credential):
    return Masker(credential).mask(text)


def masked_in_pieces(masker, pieces):
    stream = masker.stream()
    return "".join([*map(stream.feed, pieces), stream.flush()])


@pytest.mark.parametrize(
    "secret",
    [
        "p@ss/w0rd: x",
        "p%40ss/w0rd%3A%20x",
        "p%40ss%2Fw0rd%3A%20x",
        "tok-1234567890",
        "k-000111222333",
        base64.b64encode(b"amina:p@ss/w0rd: x").decode(),
        base64.b64encode(b":tok-1234567890").decode(),
    ],
)
def test_secrets_are_masked_in_all_encoded_forms(secret):
    assert mask(f"before ({secret}) after", CREDENTIAL) == "before (***) after"


def test_other_values_are_not_masked():
    text = "amina at https://dhis2.example.org/api port 443, 7 visits"
    assert mask(text, CREDENTIAL) == text


def test_fields_of_the_credential_model_are_secret_whatever_their_name():
    credential = {"ward": "north-77", "login": {"code": "blue-88"}, "level": "district"}
    masker = Masker(credential, [("ward",), ("login", "code")])
    assert masker.mask("north-77 blue-88 district") == "*** *** district"


def test_short_secrets_are_masked_as_whole_words_only():
    text = "the latest test of testing: test, 'test'"
    assert mask(text, {"password": "test"}) == "the latest *** of testing: ***, '***'"


@pytest.mark.parametrize(
    "text", ["pin=%3Dtest", r'"\ntest"', r"'\x1btest'", "user_test", "1test2", "testtest"]
)
def test_word_begins_behind_an_escape_and_at_another_secret(text):
    assert "test" not in mask(text, {"password": "test"})


def test_short_secret_behind_a_long_one_is_masked():
    credential = {"password": "test", "securityToken": "ABCDEFGHIJK"}
    assert mask("<p>testABCDEFGHIJKtest</p>", credential) == "<p>*********</p>"


def test_values_shorter_than_four_characters_are_not_masked():
    assert mask("a 123 b", {"password": "123"}) == "a 123 b"
    assert mask("", CREDENTIAL) == ""
    assert mask("x", {}) == "x"


@pytest.mark.parametrize("text", ["pin 20457", "{'pin': 20457}", '{"pin": "20457"}', "20,457"])
def test_numbers_are_masked(text):
    masked = mask(text, {"pin": 20457})
    assert masked == text.replace("20457", "***").replace("20,457", "***")
    assert mask("120457 and 204571", {"pin": 20457}) == "120457 and 204571"
    assert mask("1234.5 is it", {"pin": 1234.5}) == "*** is it"


def test_passwords_in_urls_are_masked():
    credential = {
        "uri": "postgres://amina:pa%20ss+word@db:5432/x",
        "hook": "https://a/b?token=abcd1",
    }
    text = "connect to db as amina with 'pa ss+word' (pa%20ss+word), abcd1"
    assert mask(text, credential) == "connect to db as amina with '***' (***), ***"


def test_each_long_line_of_a_key_is_masked():
    masked = mask(f"loaded {LINES[3]} and {LINES[7][:30]}", {"key": PEM})
    assert masked == "loaded *** and ***"
    for text in (PEM, repr(PEM), json.dumps({"key": PEM}), PEM.replace("\n", "\r\n")):
        assert not [line for line in (*LINES, "aQ==") if line in mask(text, {"key": PEM})]


def as_csv(text):
    output = io.StringIO()
    csv.writer(output).writerow([text])
    return output.getvalue()


ROUNDABOUT = {
    "pprint": lambda text: pprint.pformat({"configuration": {"password": text}}, width=30),
    "paragraph": lambda text: textwrap.fill(f"refused: {text}", 20, break_on_hyphens=False),
    "form": lambda text: urlencode({"body": json.dumps({"password": text})}),
    "base64": lambda text: base64.b64encode(json.dumps({"password": text}).encode()).decode(),
    "base64 of UTF-8": lambda text: base64.b64encode(
        json.dumps([text], ensure_ascii=False).encode()
    ).decode(),
    "CSV": as_csv,
    "SQL": lambda text: "'" + text.replace("'", "''") + "'",
    "shell": shlex.quote,
}


@pytest.mark.parametrize("name", ROUNDABOUT)
def test_secret_is_masked_in_text_that_quotes_or_divides_it(name):
    secret = """it's a "correct" \\horse and é-battery"""
    masked = mask(ROUNDABOUT[name](secret), {"password": secret})
    words = ["correct", "horse", "battery"]
    texts = [word for word in words if word in masked]
    texts += [word for word in words for n in range(3) if base64_of(word, n) in masked]
    assert "***" in masked
    assert texts == []


def base64_of(word, before):
    """Return what base64 of a text with a word, behind some bytes, certainly contains."""
    encoded = base64.b64encode(bytes(before) + word.encode()).decode()
    return encoded[4 if before else 0 : 4 * ((before + len(word)) // 3)]


@pytest.mark.parametrize("end", ["", "…", "… (9000 characters)", "...", r"\u00", "%C3…"])
def test_secret_that_is_cut_is_masked(end):
    text = f"refused: correct horse {end}"
    assert "corr" not in mask(text, {"password": "correct horse é battery"})


def test_text_that_only_begins_like_a_secret_is_not_masked():
    text = "correct horses are distributed... in the district."
    assert mask(text, {"password": "correct horse battery"}) == text


def test_data_that_is_shown_is_masked_value_by_value():
    masker = Masker({"password": "district-1", "pin": 4711})
    data = {"level": "district-1", "n": [4711, 47, None, True, 1.5], "see district-1": "distr"}
    assert masker.mask_value(data) == {
        "level": "***",
        "n": ["***", 47, None, True, 1.5],
        "see ***": "distr",
    }


@given(st.lists(st.sampled_from(["q'uo\"te\\ é", "abcd", "x", "ab", "…", "\n", "%22", "z" * 9000])))
def test_text_in_pieces_is_masked_like_the_whole(parts):
    masker = Masker({"username": "amina", "password": "q'uo\"te\\ é", "pin": "abcd"})
    text = json.dumps("".join(parts), ensure_ascii=False)
    expected = masker.mask(text)
    for size in (7, 1000, 30_000):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        assert masked_in_pieces(masker, pieces) == expected


def test_stream_returns_text_before_the_end():
    stream = Masker(CREDENTIAL).stream()
    first = stream.feed("x" * 100_000 + "tok-12345")
    assert len(first) > 50_000
    assert first + stream.feed("67890") + stream.flush() == "x" * 100_000 + "***"
    assert Masker({}).stream().feed("at once") == "at once"


@pytest.mark.parametrize(
    "text",
    [
        "PUT https://x.example.org/api/abc 200 OK\n",
        "-----BEGIN PRIVATE ",
        "p@ss/w0rd: ",
        "...",
        "\\",
    ],
    ids=["log", "key", "beginnings", "cuts", "backslashes"],
)
def test_masking_takes_linear_time(text):
    masker = Masker({**CREDENTIAL, "key": PEM})
    masker.mask(text)

    def seconds(length):
        content = (text * (length // len(text) + 1))[:length]
        began = time.process_time()
        masker.mask(content)
        return time.process_time() - began

    # Quadratic time would be sixteen times as long. A megabyte may take two seconds.
    assert seconds(200_000) < max(8 * seconds(50_000), 0.4)


def test_masking_imports_nothing_of_aws():
    code = "import sys, openfn.jobs.secret_masking; sys.exit('boto3' in sys.modules)"
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize("quotes", ['"' * 24, "'" * 24, "'\"" * 12])
def test_secret_with_many_quotes_is_masked_in_linear_time(quotes):
    secret = f"pass{quotes}word"
    masker = Masker({"password": secret})
    doubled = secret.replace("'", "''"), secret.replace('"', '""')
    both = doubled[0].replace('"', '""')
    forms = [secret, json.dumps(secret), repr(secret), quote(secret), html.escape(secret)]
    for form in [*forms, *doubled, both, secret.replace("'", "'\"'\"'"), f"{secret[:12]}…"]:
        assert "word" not in masker.mask(form)
        assert "pass" not in masker.mask(form)
    began = time.process_time()
    near_miss = f"pass{quotes * 2}worx "
    assert masker.mask(near_miss * 50) == near_miss * 50
    assert time.process_time() - began < 2  # with a branch for each quote, half a minute
