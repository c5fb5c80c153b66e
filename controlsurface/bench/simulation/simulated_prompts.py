"""How long redaction takes of made prompts: words, numbers that mean nothing, and now and then something personal."""

import random
import time

from controlsurface.ingest.content.redact import REDACTION_STEPS, Redactor

SEED = 1
_WORDS = (
    "please summarise the call about invoice number 4711 of 2026-01-05 at 10:15, total 1,299.00 EUR; "
    "gpt-4o-mini answered in 1.25 s, token count: 128, and it reads as follows"
).split()
_PERSONAL = ("", "", "", " call +49 171 2345678", " mail a.b@example.org", " from 203.0.113.9")


def run_redaction_bench(megabytes: float) -> dict[str, float]:
    """Seconds of this thread, of all kinds together and of each."""
    text = _prompts(int(megabytes * 1_000_000))
    return {
        "all_s": _seconds(text, *REDACTION_STEPS),
        **{f"{kind}_s": _seconds(text, kind) for kind in REDACTION_STEPS},
    }


def _prompts(size: int) -> str:
    """So many characters."""
    dice, lines, made = random.Random(SEED), [], 0  # noqa: S311 - a fixed text
    while made < size:
        lines.append(" ".join(dice.choices(_WORDS, k=14)) + dice.choice(_PERSONAL))
        made += len(lines[-1]) + 1
    return "\n".join(lines)


def _seconds(text: str, *kinds: str) -> float:
    """How long these take."""
    redactor, begun = Redactor([kind for kind in REDACTION_STEPS if kind in kinds]), time.thread_time()
    redactor.text(text)
    return round(time.thread_time() - begun, 3)
