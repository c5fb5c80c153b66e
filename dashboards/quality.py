"""Would the other lane have answered otherwise, and who was right? Audits, their review, and calibration."""

from controlsurface import ui

PARTS = ("Disagreement", "Review", "Calibration", "Plan", "Gates")

view = ui.current_view()
ui.label_review.send_pending_label()
if ui.query_metric("requests", by=["lane"]).is_empty():
    ui.no_requests_state()
part = ui.choose_tab(PARTS)
if part in {"Disagreement", "Calibration"}:
    view = ui.view_with_pairs(view)
if part == "Disagreement":
    with ui.panel("How often the lanes disagree", "of requests that both answered; whiskers: 95 %"):
        ui.audit_panels.disagreement_panel(view)
elif part == "Review":
    with ui.panel("Review", "which answer is right? Lanes and models are hidden, sides are random"):
        ui.label_review.review_panel(view)
    with ui.panel("Reviewers", "of items that both labelled; AC1: agreement beyond chance"):
        ui.audit_panels.reviewer_agreement_panel(view)
elif part == "Plan":
    with ui.panel("Sampling plan", "which share of requests another lane answers too, as shadow calls"):
        ui.plan_panel(view)
elif part == "Gates":
    ui.gate_section()
else:
    with ui.panel("Is the small lane right as often as the router's confidence says?", "dotted: exactly as often"):
        ui.audit_panels.calibration_panel(view)
