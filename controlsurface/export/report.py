"""A report of an incident as one HTML file: no script, nothing from outside, every value escaped, fit to be printed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from controlsurface import __version__
from controlsurface.export.incident import Incident
from controlsurface.formatting import format_confidence, format_duration
from controlsurface.formatting import format_difference as difference
from controlsurface.formatting import format_value as shown
from controlsurface.reader.contributors import unexplained

WIDTH, HEIGHT, HEAD = 900, 220, 16
BAR = 160
MOST = 15  # top contributors
_CSS = Path(__file__).with_suffix(".css").read_text("utf-8")


def render(incident: Incident, link: str = "") -> str:
    """The whole document; `link` is the address of the live view, if there is one."""
    asked, found, unit = incident.asked, incident.found, incident.found.unit
    title = f"{incident.metric.title}, {_window(asked.start, asked.end)}"
    before = f"{_window(asked.baseline_start, asked.baseline_end)}{_filters(asked.where)}"
    parts = [
        f"<h1>{_text(title)}</h1>",
        f"<p>{_text(incident.metric.help)} Held against {_text(incident.against)}, {_text(before)}.</p>",
        *([f"<p>{_text(_sentence(found.compared))}</p>"] if found.compared else []),
        f'<p class="large">{_text(shown(found.before, unit))} → <b>{_text(shown(found.after, unit))}</b></p>',
        f"<p>{_text(difference(found.delta, unit))}; {found.n:,} rows, {found.n_before:,} before.</p>",
        _course(incident),
        "<h2>Top contributors</h2>",
        _different(incident),
        "<h2>What changed around it</h2>",
        _events(incident),
        "<h2>Sample requests of the selection</h2>",
        _samples(incident),
        _footer(link),
    ]
    head = f'<meta charset="utf-8"><title>{_text(title)}</title><style>{_CSS}</style>'
    view = '<meta name="viewport" content="width=device-width">'
    return f'<!doctype html>\n<html lang="en"><head>{head}{view}</head><body>{"".join(parts)}</body></html>\n'


def _course(incident: Incident) -> str:
    """The metric over time as inline SVG: the selection shaded, events as dashed lines."""
    known = [(at, value) for at, value in incident.course if value is not None]
    if len(known) < 2:
        return ""
    first, last = known[0][0], max(known[-1][0], incident.asked.end)
    top = max(value for _, value in known) or 1
    span = (last - first).total_seconds()

    def x(at: datetime) -> float:
        return round(min(max((at - first).total_seconds() / span, 0), 1) * WIDTH, 1)

    points = " ".join(f"{x(at)},{HEIGHT - value / top * (HEIGHT - HEAD):.1f}" for at, value in known)
    label = f"{incident.metric.title} over time, at most {shown(top, incident.metric.unit)}; the selection is shaded"
    shades = _shade(x(incident.asked.start), x(incident.asked.end))
    marks = "".join(_mark(x(event["at"]), event["title"]) for event in incident.events)
    line = f'<polyline points="{points}" fill="none" stroke="#2f6fde" stroke-width="1.6"/>'
    caption = f"{first:%b %d %H:%M} to {last:%b %d %H:%M} UTC; highest {shown(top, incident.metric.unit)}"
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_text(label)}">'
        f"{shades}{line}{marks}</svg>"
        f"<figcaption>{_text(caption)}</figcaption></figure>"
    )


def _shade(start: float, end: float) -> str:
    return f'<rect x="{start}" y="0" width="{max(end - start, 1):.1f}" height="{HEIGHT}" fill="#b4670f" opacity=".14"/>'


def _mark(x: float, title: str) -> str:
    anchor = "end" if x > WIDTH * 0.8 else "start"
    line = f'<line x1="{x}" x2="{x}" y1="0" y2="{HEIGHT}" stroke="#2f6fde" stroke-dasharray="4 3"/>'
    return (
        f'{line}<text x="{x}" y="11" font-size="11" fill="#2f6fde" text-anchor="{anchor}"> {_text(title[:40])} </text>'
    )


def _sentence(words: str) -> str:
    """The same with a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


def _different(incident: Incident) -> str:
    """The ranked values, each with what it explains as a bar and in figures."""
    causes, unit = incident.found.causes[:MOST], incident.found.unit
    if not causes:
        return f"<p>No value has {incident.found.support or 1} rows in either window.</p>"
    largest = max(abs(row["delta"]) for row in causes) or 1
    rows = (
        (
            f"<small>{_text(row['dimension'])}</small> {_name(row['value'])}",
            _bar(row["delta"] / largest, difference(row["delta"], unit)),
            *(
                _text(said)
                for said in (
                    f"{shown(row['before'], unit)} → {shown(row['after'], unit)}",
                    difference(row["delta"], unit),
                    shown(row["share"], "ratio"),
                    difference(row["mix"], unit),
                    difference(row["rate"], unit),
                    f"{row['z']:+.1f}",
                )
            ),
        )
        for row in causes
    )
    rest = unexplained(causes, incident.found.delta)
    left = ", ".join(f"{difference(each, unit)} by {name}" for name, each in rest.items())
    names = ("value", "", "before → after", "contribution", "of change", "mix effect", "rate effect", "z")
    return f"{_table(names, rows)}<p>Unexplained by the rows shown: {_text(left)}.</p>"


def _bar(share: float, label: str) -> str:
    """A bar from the middle: to the right what raises the metric."""
    width = abs(share) * BAR / 2
    x = BAR / 2 - (width if share < 0 else 0)
    colour = "#b4670f" if share > 0 else "#8a94a3"
    return (
        f'<svg width="{BAR}" height="12" viewBox="0 0 {BAR} 12" role="img" aria-label="contribution {_text(label)}">'
        f'<rect x="{x:.1f}" y="1" width="{max(width, 0.5):.1f}" height="10" rx="2" fill="{colour}"/></svg>'
    )


def _events(incident: Incident) -> str:
    if not incident.events:
        return "<p>Nothing was told, and no version or model came or went.</p>"
    rows = (
        (_text(f"{row['at']:%b %d %H:%M}"), *(_text(row[name] or "") for name in ("kind", "title", "detail", "source")))
        for row in incident.events
    )
    return _table(("time (UTC)", "kind", "what", "detail", "source"), rows)


def _samples(incident: Incident) -> str:
    if not incident.samples:
        return "<p>There are none.</p>"
    rows = (tuple(_cell(row, name) for name in COLUMNS) for row in incident.samples)
    return _table(tuple(name.replace("_", " ") for name in COLUMNS), rows)


COLUMNS = (
    "started_at",
    "lane",
    "task_type",
    "tenant",
    "answered_by",
    "reason",
    "confidence",
    "duration_ms",
    "request_id",
)


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if isinstance(value, datetime):
        return _text(f"{value:%b %d %H:%M:%S}")
    if isinstance(value, float):
        return _text(format_duration(value) if name == "duration_ms" else format_confidence(value))
    return _name(value)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Cells are HTML."""
    names = "".join(f'<th scope="col">{_text(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"


def _footer(link: str) -> str:
    live = f' <a href="{_text(link)}">The live view</a>.' if link else ""
    said = "mix: rows moved between values; by rate: a value's own rows changed. Both add up to what it explains."
    return f"<footer>{said} Control Surface {_text(__version__)}.{live}</footer>"


def _filters(where: Iterable[str]) -> str:
    kept = ", ".join(where)
    return f"; only {kept}" if kept else ""


def _window(start: datetime, end: datetime) -> str:
    form = "%H:%M" if start.date() == end.date() else "%b %d %H:%M"
    return f"{start:%Y %b %d %H:%M} to {end:{form}} UTC"


def _name(value: object) -> str:
    return "<i>unknown</i>" if value is None else _text(value)


def _text(value: object) -> str:
    return escape(str(value), quote=True)
