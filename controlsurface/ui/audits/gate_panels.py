"""Gates and evaluations: which answers fail their check, by task type, model and evaluation."""

from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import states
from controlsurface.ui.widgets.data_table import breakdown_table
from controlsurface.ui.widgets.panels import panel


def gate_section() -> None:
    """The tab Gates of the page Quality."""
    with panel(
        "Gates by task type and model", "answers that failed their quality gate, of those that passed through one"
    ):
        columns = {"attempts": "Calls", "gate_failure_rate": "Failed the gate", "attempt_error_rate": "Call failed"}
        breakdown_table(columns, ["task_type", "model"], "gates")
    with panel("Evaluations by name and task type", "each on its own scale"):
        if collector_queries.query_metric("evaluations")["n"].sum():
            columns = {
                "evaluations": "Results",
                "evaluation_pass_rate": "Passed",
                "evaluation_score": "Mean score",
                "evaluation_error_rate": "Evaluator failed",
            }
            breakdown_table(columns, ["evaluation", "task_type"], "evaluations")
        else:
            states.empty_state("No evaluation in this window", "Spans and events named gen_ai.evaluation.* are read.")
