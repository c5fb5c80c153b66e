"""Which answer stands on the left: random for the reviewer, and the same whenever the item is shown again."""

from hashlib import sha256
from typing import Literal

AnswerOrigin = Literal["production", "shadow"]
LabelVerdict = Literal["production", "shadow", "both", "neither"]


def left_answer(item_id: str, reviewer: str) -> AnswerOrigin:
    """The answer that this reviewer sees on the left.

    >>> {left_answer("a", name) for name in "xyzuvw"} == {"production", "shadow"}
    True
    """
    return "shadow" if sha256(f"{item_id}\n{reviewer}".encode()).digest()[0] & 1 else "production"


def verdict_of_choice(said: str, left: AnswerOrigin) -> LabelVerdict:
    """A verdict as it was said, `left` and `right` turned into the answers that stood there.

    >>> verdict_of_choice("left", "shadow"), verdict_of_choice("right", "shadow"), verdict_of_choice("both", "shadow")
    ('shadow', 'production', 'both')
    """
    other: AnswerOrigin = "production" if left == "shadow" else "shadow"
    found: dict[str, LabelVerdict] = {"left": left, "right": other, "production": "production", "shadow": "shadow"}
    return found.get(said) or ("both" if said == "both" else "neither")


def choice_of_verdict(verdict: str | None, left: AnswerOrigin) -> str | None:
    """The inverse for the screen: where the answer that was chosen stands.

    >>> choice_of_verdict("shadow", "shadow"), choice_of_verdict("production", "shadow")
    ('left', 'right')
    >>> choice_of_verdict("neither", "shadow"), choice_of_verdict(None, "shadow")
    ('neither', None)
    """
    if verdict in {"production", "shadow"}:
        return "left" if verdict == left else "right"
    return verdict
