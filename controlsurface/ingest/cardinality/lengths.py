"""Values of spans that are too long are cut: what is a word takes no page, in no answer and no exposition."""

from controlsurface.ingest.vocabulary import TEXTS
from controlsurface.store.duckdb import Writing

# Texts that tell rows apart or are compared: cut ones end in a hash of the whole, so different ones stay different.
IDENTIFIERS = frozenset("request_id link_id shadow_of response_id session_id user_id answer_label".split())
COLUMNS = (*TEXTS, "service")

# The bytes of the longest text in `batch`: one look, and for most batches all that is needed.
LONGEST = f"coalesce(greatest({', '.join(f'max(strlen({name}))' for name in COLUMNS)}), 0)"
_CUT = ",\n    ".join(
    f"{name} = {'cut_identifier' if name in IDENTIFIERS else 'cut_value'}({name}, $most)" for name in COLUMNS
)
_COUNT = f"SELECT {' + '.join(f'count(*) FILTER (length({name}) > $most)' for name in COLUMNS)} AS n FROM batch"


def cut(writing: Writing, most: int) -> int:
    """Cut the texts in `batch` to `most` characters; how many were longer."""
    found = int(writing.rows(_COUNT, {"most": most})["n"][0].as_py())
    if found:
        writing.execute(f"UPDATE batch SET\n    {_CUT}", {"most": most})
    return found
