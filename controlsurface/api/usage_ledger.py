"""The address of the usage ledger."""

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import COUNT, FIGURE, TEXT, many, record
from controlsurface.metrics.arguments import TimeRange
from controlsurface.reader import Reader
from controlsurface.reader.usage_ledger import PATH, UsageLedger

_TOKENS = {"type": ["integer", "null"]}
LEDGER = record(
    {
        "entries": many(
            record(
                {"entry": TEXT, "reason": TEXT, "spans": COUNT, "trace_ids": many(TEXT)}
                | {"input_tokens": _TOKENS, "output_tokens": _TOKENS, "cost_usd": FIGURE}
            )
        )
    }
)


def ledger(reader: Reader, args: TimeRange, _: Path) -> Tabular:
    """What became of spans with tokens or a cost."""
    return Tabular("entries", reader.ask(UsageLedger(args)).rows)


OPERATIONS = (
    Operation(
        PATH, "Spans with tokens or a cost: counted as calls, explained, or unexplained", TimeRange, ledger, LEDGER
    ),
)
