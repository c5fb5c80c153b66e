"""JSON as strictly as it is written, and as leniently as it can be read.

Sound JSON takes the quick parser. What it refuses is read again by rules that leave one meaning only: a byte order
mark, UTF-16, control characters inside text, NaN and Infinity as Python writes them, numbers beyond 64 bits, NUL behind
the end. Bytes that are not UTF-8 and halves of surrogate pairs stay in the text as lone surrogates, for the reader.
"""

import codecs
import json
from typing import Any

import orjson

from controlsurface.errors import BadBody

_DECODE_ERROR_HANDLER = "controlsurface.surrogate"
_ILL_FORMED_CHARACTER = "\udfff"  # stands for one ill-formed part, the one that errors="replace" would make U+FFFD of
_MAX_INTEGER_DIGITS = 300  # what is written with more is a float, and mostly Infinity


def parse_json(body: bytes) -> Any:
    """The document. Raises BadBody."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        try:
            return _lenient(body)
        except RecursionError:
            raise BadBody("JSON nested too deep") from None
        except ValueError:
            raise BadBody(f"not JSON: {problem}") from None


def _lenient(body: bytes) -> Any:
    text = body.decode(json.detect_encoding(body), _DECODE_ERROR_HANDLER).removeprefix("\ufeff").rstrip("\0 \t\r\n")
    return json.loads(text, strict=False, parse_int=_whole)


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else float(digits)


def _marked(problem: UnicodeError) -> tuple[str, int]:
    """Python's handler of ill-formed parts: one lone surrogate for each."""
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    return _ILL_FORMED_CHARACTER, problem.end


codecs.register_error(_DECODE_ERROR_HANDLER, _marked)
