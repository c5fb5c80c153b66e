"""The visible form of what is not kept: `[dropped: 123 characters]`, alone or at the end of what is left of a text."""

import re

DROP_MARK_PREFIX = "[dropped: "
_DROP_MARK = re.compile(r"\[dropped: \d{1,12} characters\]")
_MAX_MARK_CHARACTERS = len(DROP_MARK_PREFIX) + 12 + len(" characters]")


def drop_mark(characters: int) -> str:
    """What stands where so many characters stood.

    >>> drop_mark(123)
    '[dropped: 123 characters]'
    """
    return f"{DROP_MARK_PREFIX}{characters} characters]"


def is_drop_mark(text: str) -> bool:
    """Whether a text says nothing but that something was dropped."""
    return text.startswith(DROP_MARK_PREFIX) and _DROP_MARK.fullmatch(text) is not None


def leading_drop_mark(text: str) -> str:
    """The mark with which a text begins; empty where it begins otherwise."""
    found = _DROP_MARK.match(text)
    return found[0] if found else ""


def truncate_with_mark(text: str, most: int) -> str:
    """The first `most` characters, marked where there were more; what is marked already stays.

    >>> truncate_with_mark("abcdef", 3), truncate_with_mark("abc[dropped: 3 characters]", 3)
    ('abc[dropped: 3 characters]', 'abc[dropped: 3 characters]')
    """
    if len(text) <= most or _was_cut(text, most):
        return text
    return text[:most] + drop_mark(len(text) - most)


def _was_cut(text: str, most: int) -> bool:
    return len(text) <= most + _MAX_MARK_CHARACTERS and _DROP_MARK.fullmatch(text, most) is not None
