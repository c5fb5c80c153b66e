"""How much of the corpus is found, by kind, and how often something harmless is taken for it."""

from collections import Counter

from controlsurface.ingest.content.redact import REDACTION_STEPS, Redactor
from tests.redaction.corpus import HARMLESS, PERSONAL, Line, lines

LEFT = 6  # characters of what must go that may not be left together


def found(line: Line, redactor: Redactor) -> bool:
    """Whether what must go is gone, all of it."""
    clean = redactor.text(line.text)
    pieces = (line.value[at : at + LEFT] for at in range(max(1, len(line.value) - LEFT + 1)))
    return clean != line.text and not any(piece in clean for piece in pieces)


def recall() -> dict[str, tuple[int, int]]:
    """Of each kind: how many lines were found, of how many."""
    redactor = Redactor(REDACTION_STEPS)
    seen = Counter(line.kind for line in lines() if line.kind in PERSONAL and found(line, redactor))
    return {kind: (seen[kind], sum(line.kind == kind for line in lines())) for kind in PERSONAL}


def alarms() -> dict[str, tuple[int, int]]:
    """Of what only looks like it: how many lines were changed, of how many."""
    redactor = Redactor(REDACTION_STEPS)
    changed = Counter(line.kind for line in lines() if line.kind in HARMLESS and redactor.text(line.text) != line.text)
    return {kind: (changed[kind], sum(line.kind == kind for line in lines())) for kind in HARMLESS}


def table() -> list[tuple[str, str, str]]:
    """Kind, lines and what was found of them or taken for something; for docs/content.md."""
    shares = [(f"`{kind}`", str(n), f"{100 * k / n:.0f} % found") for kind, (k, n) in recall().items()]
    return [*shares, *((kind, str(n), f"{100 * k / n:.0f} % changed") for kind, (k, n) in alarms().items())]
