"""Two answers with the words marked in which they differ."""

import re
from difflib import SequenceMatcher

from controlsurface.ui.elements.html_tags import html_tag, html_text

MAX_DIFF_WORDS = 3000  # words of both answers together; longer ones are shown without marks, for it would take seconds
_WORDS = re.compile(r"\s+|[^\s]+")


def marked_answers(left: str, right: str) -> tuple[str, str]:
    """Both as HTML. Answers that have nothing in common, and very long ones, are not marked."""
    ones, others = _WORDS.findall(left), _WORDS.findall(right)
    if len(ones) + len(others) > 2 * MAX_DIFF_WORDS:
        return html_text(left), html_text(right)
    matcher = SequenceMatcher(None, ones, others, autojunk=False)
    blocks = matcher.get_opcodes()
    if not any(kind == "equal" and "".join(ones[a:b]).strip() for kind, a, b, _, _ in blocks):
        return html_text(left), html_text(right)
    return (
        "".join(_marked("".join(ones[a:b]), same=kind == "equal") for kind, a, b, _, _ in blocks),
        "".join(_marked("".join(others[c:d]), same=kind == "equal") for kind, _, _, c, d in blocks),
    )


def _marked(text: str, *, same: bool) -> str:
    return html_text(text) if same or not text.strip() else html_tag("mark", html_text(text))
