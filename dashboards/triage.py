"""Something moved: what is different about it? Draw a box over a spike; the answer is ranked below."""

import streamlit as st

from controlsurface import charts, ui

view = ui.current_view()
rows = int(ui.query_metric("requests")["n"].sum())
if not rows:
    ui.no_requests_state()
about = ui.choose_triage(view)
events = ui.event_marks()
metric = about.metric
name = metric.title
selection, baseline = ((each.start, each.end) for each in (about.selection, about.baseline))

shown = [metric.id, *(each for each in ui.COMPARED_METRICS if each != metric.id)][:5]
ui.before_after_tiles(about.selection, about.baseline, about.against, shown)

found = ui.triage_contributors(about)
ranked = found.causes
cause = ranked[0] if ranked else None
dimension = cause["dimension"] if cause else "task_type"

left, right = st.columns(2)
with (
    left,
    ui.panel(name, "drag to explain a selection; orange is selected, grey the baseline"),
):
    steps = view.coarsened_for(rows)
    course = ui.steady_series(metric.id, steps)
    figure = charts.marked_windows(
        course,
        steps.span,
        ui.palette(),
        unit=metric.unit,
        name=name,
        selection=selection if about.drawn else None,
        baseline=baseline,
        events=events,
        height=260,
    )
    alt = f"{name} over time, with the selection and its baseline"
    ui.box_chart_with_callback(figure, f"course {selection if about.drawn else None}", alt, ui.select_for_triage)
with right, ui.panel(f"By {dimension.replace('_', ' ')}", f"in orange: {cause['value'] or 'unknown'}" if cause else ""):
    steady = view.coarsened_for(found.n // 5)
    lines = ui.steady_series(metric.id, steady, [dimension])
    highlight = {"highlight": cause["value"], "changed": True} if cause else {}
    figure = charts.lines(
        lines, steady.span, ui.palette(), by=dimension, unit=metric.unit, events=events, height=260, **highlight
    )
    ui.chart(figure, alt=f"{name} by {dimension} over time")

with ui.panel(
    "Top contributors",
    f"{name} from {ui.format_time_range(selection)} against {about.against}, {ui.format_time_range(baseline)}",
):
    if ranked:
        ui.contributor_bars(ui.triage_contributors(about))  # known by now; asked here, its SQL is this panel's
    else:
        words = f"No value has {found.support or 1} rows"
        ui.empty_state("Nothing to compare", f"{words}: {found.n:,} are selected, {found.n_before:,} held against.")
if ranked:
    ui.incident_report_button(about)

with ui.panel("Sample requests", f"{dimension}: {cause['value'] or 'unknown'}" if cause else ""):
    for side, label in ((about.selection, "Selection"), (about.baseline, f"Baseline, {about.against}")):
        st.caption(ui.escape_markdown(label))
        ui.sample_requests(side, label, dimension if cause else None, cause["value"] if cause else None)

event = ui.nearest_event(view, selection[0])
if event:
    with ui.panel(f"Before and after {event['title']}", f"{event['kind']}, {event['at']:%b %d %H:%M} UTC"):
        ui.before_after_table(event["at"], view)
