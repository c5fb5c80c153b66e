"""The visible form of what is not kept: `[dropped: 123 characters]`, alone or at the end of what is left of a text."""

import re

DROPPED = "[dropped: "
_MARK = re.compile(r"\[dropped: \d{1,12} characters\]")
_LONGEST = len(DROPPED) + 12 + len(" characters]")


def mark(characters: int) -> str:
    """What stands where so many characters stood.

    >>> mark(123)
    '[dropped: 123 characters]'
    """
    return f"{DROPPED}{characters} characters]"


def is_mark(text: str) -> bool:
    """Whether a text says nothing but that something was dropped."""
    return text.startswith(DROPPED) and _MARK.fullmatch(text) is not None


def leading_mark(text: str) -> str:
    """The mark with which a text begins; empty where it begins otherwise."""
    found = _MARK.match(text)
    return found[0] if found else ""


def shortened(text: str, most: int) -> str:
    """The first `most` characters, marked where there were more; what is marked already stays.

    >>> shortened("abcdef", 3), shortened("abc[dropped: 3 characters]", 3)
    ('abc[dropped: 3 characters]', 'abc[dropped: 3 characters]')
    """
    if len(text) <= most or _was_cut(text, most):
        return text
    return text[:most] + mark(len(text) - most)


def _was_cut(text: str, most: int) -> bool:
    return len(text) <= most + _LONGEST and _MARK.fullmatch(text, most) is not None
