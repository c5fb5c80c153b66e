"""Would the other lane have answered otherwise, and who was right? Audits, their review, and calibration."""

from controlsurface import ui

PARTS = ("Disagreement", "Review", "Calibration")

view = ui.view()
ui.desk.settle()
if ui.query("requests", by=["lane"]).is_empty():
    ui.nothing_yet()
part = ui.part(PARTS)
if part == "Disagreement":
    with ui.panel("How often the lanes disagree", "of requests that both answered; whiskers: 95 %"):
        ui.audits.disagreement(view)
elif part == "Review":
    with ui.panel("Review", "which answer is right? Lanes and models are hidden, sides are random"):
        ui.desk.review(view)
    with ui.panel("Reviewers", "of items that both labelled; AC1: agreement beyond chance"):
        ui.audits.reviewers(view)
else:
    with ui.panel("Is the small lane right as often as the router's confidence says?", "dotted: exactly as often"):
        ui.audits.calibration(view)
