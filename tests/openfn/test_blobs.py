"""Bytes of any size in an item: unchanged, compressed, or in the bucket."""

from __future__ import annotations

import random

import pytest

from openfn.errors import NotFound
from openfn.storage import aws, blobs, services

LIMIT = 1000
# Random bytes do not compress: zlib adds 11 bytes.
RANDOM = random.Random(1).randbytes(400_000)


def bucket_objects():
    bucket = aws.setting(aws.Setting.BUCKET_NAME)
    response = services.call("s3", "list_objects_v2", Bucket=bucket)
    return {entry["Key"]: entry["Size"] for entry in response["Contents"]}


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00", RANDOM[:500], RANDOM[:LIMIT]])
def test_incompressible_bytes_are_stored_unchanged(content):
    item = blobs.store("body", content, "key", LIMIT)
    assert item == {"body": content}
    assert blobs.read("body", item) == content


@pytest.mark.parametrize("size", [100, LIMIT, LIMIT + 1, 100 * LIMIT, 300 * LIMIT])
def test_compressible_bytes_are_stored_compressed(size):
    content = b"a" * size
    item = blobs.store("body", content, "key", LIMIT)
    assert list(item) == ["body_zlib"]
    assert len(item["body_zlib"]) < min(size, LIMIT)
    assert blobs.read("body", item) == content


def test_limit_applies_to_the_compressed_size():
    half = RANDOM[:LIMIT]
    item = blobs.store("body", half + half, "key", LIMIT + 100)
    assert list(item) == ["body_zlib"]
    assert blobs.read("body", item) == half + half


@pytest.mark.parametrize("size", [LIMIT + 1, 10 * LIMIT, 300 * LIMIT])
def test_bytes_above_the_limit_are_stored_in_the_bucket(stack, size):
    item = blobs.store("body", RANDOM[:size], "messages/7/body", LIMIT)
    assert item == {"body_object": "messages/7/body"}
    assert bucket_objects() == {"messages/7/body": size}
    assert blobs.read("body", item) == RANDOM[:size]


def test_default_limit_leaves_space_for_other_attributes(stack):
    fits, too_large = RANDOM[: blobs.MAX_ITEM_BYTES], RANDOM[: blobs.MAX_ITEM_BYTES + 1]
    assert blobs.store("body", fits, "fits") == {"body": fits}
    assert blobs.store("body", too_large, "large") == {"body_object": "large"}
    assert list(bucket_objects()) == ["large"]


def test_one_item_can_have_several_blobs():
    item = blobs.store("log", b"printed", "l") | blobs.store("final", b"a" * 500, "f")
    assert (blobs.read("log", item), blobs.read("final", item)) == (b"printed", b"a" * 500)


def test_missing_blob_is_not_found():
    with pytest.raises(NotFound, match="log"):
        blobs.read("log", {"body": b"{}"})
