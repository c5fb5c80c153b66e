"""What the pages share: the frame, the view, questions to the collector, panels and states.

The only place, beside the pages themselves, that imports Streamlit.
"""

from controlsurface.formatting import format_duration, format_time_range, format_value
from controlsurface.ui.alerts.alert_table import alert_history, alert_messages, alert_strip, alert_table, alerts_now
from controlsurface.ui.alerts.detection_delay import detection_delay
from controlsurface.ui.alerts.notifier_panel import notifier_panel
from controlsurface.ui.alerts.rule_editor import rule_editor
from controlsurface.ui.alerts.rule_table import rule_table, rules_in_force
from controlsurface.ui.alerts.silence_panel import silence_panel
from controlsurface.ui.app.page_frame import dashboard_page, run_dashboard
from controlsurface.ui.audits import (
    audit_panels,
    label_review,
    policy_form,
    strategy_table,
    task_profile_editor,
    threshold_simulator,
)
from controlsurface.ui.audits.gate_panels import gate_section
from controlsurface.ui.audits.model_profile_panel import model_profile_panel
from controlsurface.ui.audits.plan_editor import plan_panel, view_with_pairs
from controlsurface.ui.data.collector_queries import current_view, query_distribution, query_metric, query_metrics
from controlsurface.ui.data.comparison import compare_breakdown, metric_value
from controlsurface.ui.data.metric_series import (
    event_marks,
    metrics_as_series,
    metrics_by_lane_and_total,
    tokens_by_kind,
)
from controlsurface.ui.data.steady_series import steady_metrics, steady_series
from controlsurface.ui.data_quality.fact_coverage import fact_coverage_table, price_gap_advice
from controlsurface.ui.data_quality.lane_buttons import (
    assumed_lanes_note,
    lane_assignment_buttons,
    last_assignment_note,
    unassigned_models,
)
from controlsurface.ui.data_quality.received_counts import (
    content_not_stored,
    has_received_anything,
    ingest_counters,
    keep_configuration_lines,
    sending_services,
    unrecognised_attributes,
    usage_ledger_table,
)
from controlsurface.ui.data_quality.storage_limits import cardinality_table, retention_table
from controlsurface.ui.elements.html_tags import escape_markdown, palette
from controlsurface.ui.elements.states import empty_state
from controlsurface.ui.elements.time_zone import minute_text, range_text, zone_label
from controlsurface.ui.navigation.empty_window import no_requests_state
from controlsurface.ui.navigation.triage_selection import (
    choose_triage,
    incident_report_button,
    select_for_triage,
    split_dimension,
    triage_contributors,
)
from controlsurface.ui.navigation.view_controls import choose_tab, rerun_if_view_changed, zoomable_chart
from controlsurface.ui.reports.advice_list import advice_list
from controlsurface.ui.reports.architecture_section import architecture_panels
from controlsurface.ui.reports.budget_section import budget_section
from controlsurface.ui.reports.confidence_heatmap import confidence_note, confidence_panel
from controlsurface.ui.reports.control_section import control_section
from controlsurface.ui.reports.cost_sections import batch_section, cache_section, context_section
from controlsurface.ui.reports.experiment import (
    GUARDRAILS,
    MEANS,
    RATES,
    arm_pairs,
    difference_table,
    exposure_table,
    guardrail_table,
    task_type_table,
)
from controlsurface.ui.reports.lane_latency import hidden_modes_panel, lane_separation_panel, latency_heatmap_panel
from controlsurface.ui.reports.reconcile_section import reconcile_section
from controlsurface.ui.reports.reliability_section import reliability_section
from controlsurface.ui.reports.savings_section import savings_section, savings_tile
from controlsurface.ui.reports.side_by_side import (
    COMPARED_METRICS,
    before_after_table,
    before_after_tiles,
    choose_populations,
)
from controlsurface.ui.reports.unit_cost_section import job_section
from controlsurface.ui.reports.weekly_attribution import weekly_attribution
from controlsurface.ui.requests.request_card import request_card, request_trace
from controlsurface.ui.requests.request_search import (
    chosen_request,
    more_requests_button,
    no_match_state,
    request_table,
    search_requests,
)
from controlsurface.ui.triage.alert_header import alert_header, chosen_alert
from controlsurface.ui.triage.conclusion_panel import conclude, conclusion_panel
from controlsurface.ui.triage.contributor_table import contributor_table, known_values
from controlsurface.ui.triage.example_requests import (
    counted_requests,
    example_note,
    example_table,
    example_traces,
    exemplars_of,
)
from controlsurface.ui.widgets.bar_lists import bar_list
from controlsurface.ui.widgets.data_table import (
    breakdown_table,
    csv_button,
    data_table,
    lane_and_total_table,
    largest_mover,
    ranking_table,
)
from controlsurface.ui.widgets.incident_timer import incident_timer
from controlsurface.ui.widgets.panels import box_chart_with_callback, chart, panel
from controlsurface.ui.widgets.tile_row import Tile, fastest_and_slowest_lane, metric_tiles, priced_note
