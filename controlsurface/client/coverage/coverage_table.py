"""The shares as people read them: a line a fact, a column a service, and what to send for those that are missing."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from controlsurface.formatting import format_ratio

Row = Mapping[str, Any]

MAX_SERVICE_COLUMNS = 6  # columns at most, the busiest services
ALL_SERVICES = "all services"


def coverage_by_service(rows: Iterable[Row]) -> list[dict[str, str]]:
    """A line for each fact: fact, of, `all services`, and each of the busiest services where there are several."""
    rows = list(rows)
    shown = _busiest(rows)
    lines: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["all_services"]:
            lines[row["fact"]] = {"fact": row["title"], "of": row["of"], ALL_SERVICES: coverage_share_text(row)}
        elif row["service"] in shown:
            lines[row["fact"]][row["service"] or "unknown service"] = coverage_share_text(row)
    columns = [name or "unknown service" for name in shown]
    return [
        {**line, **{name: line.get(name, coverage_share_text(None)) for name in columns}} for line in lines.values()
    ]


def _busiest(rows: Iterable[Row]) -> list[str | None]:
    """The services with most rows, by name; none where there is only one."""
    n: dict[str | None, int] = {}
    for row in rows:
        if not row["all_services"]:
            n[row["service"]] = n.get(row["service"], 0) + row["n"]
    most = sorted(n, key=lambda name: (-n[name], name or ""))[:MAX_SERVICE_COLUMNS]
    return sorted(most, key=lambda name: name or "~") if len(n) > 1 else []


def coverage_share_text(row: Row | None) -> str:
    """A share with its rows.

    >>> coverage_share_text({"share": 0.25, "n": 1200}), coverage_share_text({"share": 0.999, "n": 4000})
    ('25.0 % of 1,200', '99.9 % of 4,000')
    >>> coverage_share_text({"share": None, "n": 0})
    '–'
    """
    return "–" if row is None or row["share"] is None else f"{format_ratio(row['share'])} of {row['n']:,}"


def missing_facts(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Facts that nothing or too little states, over all services: which, with what they leave empty; what to send."""
    for row in rows:
        if row["all_services"] and row["state"] in {"none", "some"}:
            state, data = ("empty", "no data") if row["state"] == "none" else ("weak", "too little data")
            pages = f"{state} on {', '.join(page.replace('_', '-') for page in row['pages'])}"
            rules = f"; {data} for {', '.join(row['rules'])}" if row["rules"] else ""
            yield f"{row['title']}, {coverage_share_text(row)}: {pages}{rules}", row["add"]
