"""Decompression within bounds."""

import gzip
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.errors import BadBody, TooLarge
from controlsurface.ingest.wire.otlp_request import decompress_body


@given(st.binary(), st.integers(1, 5))
def test_several_gzip_members_are_one_body(content: bytes, members: int) -> None:
    assert decompress_body(gzip.compress(content) * members, "gzip", 10_000) == content * members


@given(st.binary(min_size=1))
def test_the_decompression_limit_is_exact(content: bytes) -> None:
    assert decompress_body(zlib.compress(content), "deflate", len(content)) == content
    with pytest.raises(TooLarge):
        decompress_body(zlib.compress(content), "deflate", len(content) - 1)


def test_an_uncompressed_body_is_the_same_object() -> None:
    body = b"x" * 100
    assert decompress_body(body, "identity", 1) is body
    assert decompress_body(b"", "gzip", 1) == b""


@given(st.binary(min_size=1, max_size=50))
def test_a_damaged_gzip_stream_is_a_bad_body(noise: bytes) -> None:
    whole = gzip.compress(b"hello")
    with pytest.raises(BadBody):
        decompress_body(whole[:-1], "gzip", 1000)
    with pytest.raises(BadBody):
        decompress_body(b"\xff" + noise, "gzip", 1000)


def test_a_million_empty_gzip_members_do_not_keep_the_server_busy() -> None:
    begun = time.process_time()
    with pytest.raises(BadBody, match="members"):
        decompress_body(gzip.compress(b"") * 1_000_000, "gzip", 1000)
    assert time.process_time() - begun < 2


def test_x_gzip_is_decoded_as_gzip() -> None:
    """RFC 9110, section 8.4.1.3; senders that use it were refused elsewhere (NOFireAI/ravel pull request 216)."""
    assert decompress_body(gzip.compress(b"spans"), "x-gzip", 100) == b"spans"
