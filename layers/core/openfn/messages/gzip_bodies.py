"""Expand gzipped bodies, in one or more members as gzip(1) and log shippers write them."""

from __future__ import annotations

import zlib

from openfn.errors import UnreadableBody

# The largest expanded body: a few times what can be posted, well within a function's memory.
_MAX_EXPANDED = 8_000_000
_MAX_MEMBERS = 1_000
# A member leaves a copy of what follows it, so the content is read in slices.
_SLICE = 65_536


def expand(content: bytes) -> bytes:
    """Expand all members of a gzipped body; zeros behind the last one are padding."""
    expanded, position = bytearray(), 0
    for _ in range(_MAX_MEMBERS):
        position = _expand_member(content, position, expanded)
        is_padding = content[position : position + 1] == b"\0"
        if position == len(content) or (is_padding and not content[position:].strip(b"\0")):
            return bytes(expanded)
    raise UnreadableBody(f"The gzipped body has more than {_MAX_MEMBERS} members.")


def _expand_member(content: bytes, start: int, expanded: bytearray) -> int:
    """Append a member that starts at a position to `expanded`; return the position of its end."""
    stream, position = zlib.decompressobj(zlib.MAX_WBITS | 16), start
    while not stream.eof:
        part = content[position : position + _SLICE]
        room = _MAX_EXPANDED - len(expanded)
        if not part or room <= 0:
            raise UnreadableBody(
                f"The gzipped body is truncated, or expands to more than {_MAX_EXPANDED} bytes."
            )
        try:
            expanded += stream.decompress(part, room)
        except zlib.error:
            raise UnreadableBody(
                f"The body is not gzip from byte {start} on. Send it again."
            ) from None
        position += len(part) - len(stream.unconsumed_tail)
    return position - len(stream.unused_data)
