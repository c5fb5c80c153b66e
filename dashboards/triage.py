"""What moved, and why? The alert, one sentence that says what and why, what to do, and what shows it."""

import streamlit as st

from controlsurface import charts, ui

view = ui.current_view()
rows = int(ui.query_metric("requests")["n"].sum())
if not rows:
    ui.no_requests_state()
alert = ui.chosen_alert()
ui.alert_header(alert)
top = st.container()
chosen = ui.choose_triage(view)
about, concluded = ui.conclude(chosen, view, alert)
found, metric = concluded.found, about.metric
with top:
    ui.conclusion_panel(about, concluded, alert)

cause = found.leading[0] if found.leading else None
dimension = ui.split_dimension(about) or (cause["dimension"] if cause else "task_type")
values = cause["values"] if cause and cause["dimension"] == dimension else []
windows = (about.selection.start, about.selection.end), (about.baseline.start, about.baseline.end)
examples = ui.counted_requests(about, found)
events = ui.event_marks()

note = f"{ui.range_text(windows[0])} against {about.against}, {ui.range_text(windows[1])} {ui.zone_label()}"
with ui.panel("Top contributors", note):
    ui.contributor_table(ui.triage_contributors(about), ui.known_values(found, view))
with ui.panel("Example requests", ui.example_note(found)):
    ui.example_table(examples, "Example requests")
    ui.example_traces(examples)

sliced = about.sliced(view)
left, right = st.columns(2)
with left, ui.panel(metric.title, "drag to explain a selection; a dot is an example request"):
    steps = sliced.coarsened_for(rows)
    course = ui.steady_series(metric.id, steps)
    figure = charts.marked_windows(
        course,
        steps.span,
        ui.palette(),
        unit=metric.unit,
        name=metric.title,
        selection=windows[0] if about.drawn else None,
        baseline=windows[1],
        events=events,
        height=260,
    )
    figure = charts.with_exemplars(figure, course, ui.exemplars_of(examples), ui.palette(), metric.unit)
    alt = f"{metric.title} over time, with the selection and its baseline"
    ui.box_chart_with_callback(figure, f"course {windows[0] if about.drawn else None}", alt, ui.select_for_triage)
with right, ui.panel(f"By {dimension.replace('_', ' ')}", f"in orange: {values[0] or 'not stated'}" if values else ""):
    steady = sliced.coarsened_for(found.n // 5)
    lines = ui.steady_series(metric.id, steady, [dimension])
    highlight = {"highlight": values[0], "changed": True} if values else {}
    figure = charts.lines(
        lines, steady.span, ui.palette(), by=dimension, unit=metric.unit, events=events, height=260, **highlight
    )
    ui.chart(figure, alt=f"{metric.title} by {dimension} over time")

shown = [metric.id, *(each for each in ui.COMPARED_METRICS if each != metric.id)][:5]
ui.before_after_tiles(about.selection, about.baseline, about.against, shown)
if concluded.change and not concluded.since_change:
    with ui.panel(f"Before and after {concluded.change.title}", ui.minute_text(concluded.change.at)):
        ui.before_after_table(concluded.change.at, view)
ui.incident_report_button(about)
ui.incident_timer(alert, view)
