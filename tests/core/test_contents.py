"""Bytes of any size beside an item."""

from __future__ import annotations

import random

import boto3
import pytest

from openfn.errors import NotFound
from openfn.storage import aws, blobs

LIMIT = 1000
# zlib makes nothing smaller of them: it adds 11 bytes.
RANDOM = random.Random(1).randbytes(400_000)


def objects():
    answer = boto3.client("s3").list_objects_v2(Bucket=aws.setting(aws.Setting.BUCKET_NAME))
    return {each["Key"]: each["Size"] for each in answer["Contents"]}


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00", RANDOM[:500], RANDOM[:LIMIT]])
def test_what_is_not_smaller_compressed_is_kept_as_it_is(content):
    item = blobs.store("body", content, "key", LIMIT)
    assert item == {"body": content}
    assert blobs.read("body", item) == content


@pytest.mark.parametrize("size", [100, LIMIT, LIMIT + 1, 100 * LIMIT])
def test_what_is_smaller_compressed_is_kept_so(size):
    content = b"a" * size
    item = blobs.store("body", content, "key", LIMIT)
    assert list(item) == ["body_zlib"]
    assert len(item["body_zlib"]) < min(size, LIMIT)
    assert blobs.read("body", item) == content


def test_the_limit_is_on_what_is_kept_not_on_what_came():
    half = RANDOM[:LIMIT]
    item = blobs.store("body", half + half, "key", LIMIT + 100)
    assert list(item) == ["body_zlib"]
    assert blobs.read("body", item) == half + half


@pytest.mark.parametrize("size", [LIMIT + 1, 10 * LIMIT])
def test_what_is_too_large_even_compressed_goes_into_the_bucket(made, size):
    item = blobs.store("body", RANDOM[:size], "messages/7/body", LIMIT)
    assert item == {"body_object": "messages/7/body"}
    assert objects() == {"messages/7/body": size}
    assert blobs.read("body", item) == RANDOM[:size]


def test_without_a_limit_dynamodbs_own_with_room_for_the_rest_holds(made):
    fits, too_large = RANDOM[: blobs.MAX_ITEM_BYTES], RANDOM[: blobs.MAX_ITEM_BYTES + 1]
    assert blobs.store("body", fits, "fits") == {"body": fits}
    assert blobs.store("body", too_large, "large") == {"body_object": "large"}
    assert list(objects()) == ["large"]


def test_an_item_may_keep_several_contents_by_their_names():
    item = blobs.store("log", b"printed", "l") | blobs.store("final", b"a" * 500, "f")
    assert (blobs.read("log", item), blobs.read("final", item)) == (b"printed", b"a" * 500)


def test_a_name_that_an_item_does_not_keep_is_an_error():
    with pytest.raises(NotFound, match="log"):
        blobs.read("log", {"body": b"{}"})
