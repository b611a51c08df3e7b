"""When the functions of a local stack wait for the disk."""

from __future__ import annotations

import os
from functools import partial

import pytest
import requests

from tests.conftest import ROOT
from workbench.local.stack import create_in_folder, create_stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    create_resources = partial(create_in_folder, tmp_path_factory.mktemp("data"))
    with create_stack(ROOT / "project", create_resources=create_resources) as created:
        yield created


@pytest.fixture
def post(stack):
    with stack.serving() as urls:
        url = next(iter(urls.values()))
        yield lambda: requests.post(url, json={"matches": "nothing"}, timeout=30)


@pytest.fixture
def syncs(monkeypatch):
    calls = []
    monkeypatch.setattr(os, "fdatasync", calls.append)
    return calls


def test_the_inbox_waits_for_the_disk_once_and_the_matcher_does_not(stack, post, syncs):
    assert post().status_code == 200
    assert len(syncs) == 1
    stack.drain()
    assert len(syncs) == 1


def test_a_source_is_answered_503_if_the_disk_fails(post, monkeypatch):
    def fail(_descriptor):
        raise OSError("Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    response = post()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
