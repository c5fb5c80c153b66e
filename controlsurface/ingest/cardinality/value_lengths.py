"""Values of spans that are too long are cut: what is a word takes no page, in no answer and no exposition."""

from controlsurface.ingest.translate.vocabulary import TEXT_COLUMNS
from controlsurface.store.duckdb import WriteTransaction

# Texts that tell rows apart or are compared: cut ones end in a hash of the whole, so different ones stay different.
IDENTIFIER_COLUMNS = frozenset("request_id link_id shadow_of response_id session_id user_id answer_label".split())
LIMITED_COLUMNS = (*TEXT_COLUMNS, "service")

# The bytes of the longest text in `batch`: one look, and for most batches all that is needed.
LONGEST_VALUE_SQL = f"coalesce(greatest({', '.join(f'max(strlen({name}))' for name in LIMITED_COLUMNS)}), 0)"
_CUT = ",\n    ".join(
    f"{name} = {'cut_identifier' if name in IDENTIFIER_COLUMNS else 'cut_value'}({name}, $most)"
    for name in LIMITED_COLUMNS
)
_COUNT = f"SELECT {' + '.join(f'count(*) FILTER (length({name}) > $most)' for name in LIMITED_COLUMNS)} AS n FROM batch"


def truncate_values(writing: WriteTransaction, most: int) -> int:
    """Cut the texts in `batch` to `most` characters; how many were longer."""
    found = int(writing.rows(_COUNT, {"most": most})["n"][0].as_py())
    if found:
        writing.execute(f"UPDATE batch SET\n    {_CUT}", {"most": most})
    return found
