"""Which answer stands on the left: random for the reviewer, and the same whenever the item is shown again."""

from hashlib import sha256
from typing import Literal

Answer = Literal["production", "shadow"]
Verdict = Literal["production", "shadow", "both", "neither"]


def on_the_left(item_id: str, reviewer: str) -> Answer:
    """The answer that this reviewer sees on the left.

    >>> {on_the_left("a", name) for name in "xyzuvw"} == {"production", "shadow"}
    True
    """
    return "shadow" if sha256(f"{item_id}\n{reviewer}".encode()).digest()[0] & 1 else "production"


def meant(said: str, left: Answer) -> Verdict:
    """A verdict as it was said, `left` and `right` turned into the answers that stood there.

    >>> meant("left", "shadow"), meant("right", "shadow"), meant("both", "shadow")
    ('shadow', 'production', 'both')
    """
    other: Answer = "production" if left == "shadow" else "shadow"
    found: dict[str, Verdict] = {"left": left, "right": other, "production": "production", "shadow": "shadow"}
    return found.get(said) or ("both" if said == "both" else "neither")


def seen(verdict: str | None, left: Answer) -> str | None:
    """The inverse for the screen: where the answer that was chosen stands.

    >>> seen("shadow", "shadow"), seen("production", "shadow"), seen("neither", "shadow"), seen(None, "shadow")
    ('left', 'right', 'neither', None)
    """
    if verdict in {"production", "shadow"}:
        return "left" if verdict == left else "right"
    return verdict
