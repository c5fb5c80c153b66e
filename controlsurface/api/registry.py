"""All queries and all commands that the API has endpoints for. Where paths overlap, the first one wins."""

from typing import Any

from controlsurface.alerting import alert_queries
from controlsurface.alerting.backtest import BacktestQuery
from controlsurface.alerting.delivery import notifier_commands, silence_commands
from controlsurface.alerting.detectors.drift.rebaseline import AcceptBaseline
from controlsurface.alerting.rule_preview import RulePreviewQuery
from controlsurface.alerting.rules import rule_commands
from controlsurface.alerting.rules.threshold_edit import SetThreshold
from controlsurface.audit import (
    calibration_query,
    disagreement_query,
    policy,
    sampling_plan,
    strategies_query,
    what_if_query,
)
from controlsurface.audit.answer_review import label_exchange, review_labels, review_queue, reviewer_agreement
from controlsurface.audit.sampling_plan import CreatePlanCommand
from controlsurface.client.advice import AdviceQuery
from controlsurface.client.queries import (
    ingest_queries,
    metric_queries,
    rederivation,
    reprice_order,
    retention_status,
    saved_views,
)
from controlsurface.client.queries.call_prices import CallPricesQuery
from controlsurface.client.queries.cardinality_query import CardinalityQuery
from controlsurface.client.queries.contributor_result import ContributorsQuery
from controlsurface.client.queries.costs import incidents
from controlsurface.client.queries.costs.architectures_query import ArchitecturesQuery
from controlsurface.client.queries.costs.budgets_query import BudgetsQuery
from controlsurface.client.queries.costs.entropy_query import EntropyQuery
from controlsurface.client.queries.costs.hardware_query import HardwareQuery
from controlsurface.client.queries.costs.price_editions import PriceEditionsQuery
from controlsurface.client.queries.costs.restatements import RestatementsQuery
from controlsurface.client.queries.costs.storage_query import StorageQuery
from controlsurface.client.queries.costs.switching_query import SwitchingCostQuery
from controlsurface.client.queries.costs.unit_cost_queries import JobRunsQuery, UnitCostsQuery
from controlsurface.client.queries.coverage_query import CoverageQuery
from controlsurface.client.queries.event_list import EventsQuery, RecordEvent
from controlsurface.client.queries.ingest_queries import SourcesQuery, UsageLedgerQuery
from controlsurface.client.queries.lane_queries import AssignLane, AssumedLanesQuery, LanesQuery
from controlsurface.client.queries.metric_queries import BatchQuery
from controlsurface.client.queries.region_result import RegionQuery
from controlsurface.client.queries.request_detail import RequestQuery, TraceQuery
from controlsurface.client.queries.request_list import RequestsQuery
from controlsurface.client.queries.snapshots import snapshot_order
from controlsurface.client.queries.span_failures import SpanFailuresQuery
from controlsurface.client.queries.store_statistics import ExtentQuery
from controlsurface.client.query_protocol import Command, Query
from controlsurface.client.task_profile.profile_command import SetTaskProfileCommand
from controlsurface.client.task_profile.profile_queries import TaskProfileHistoryQuery, TaskProfileQuery
from controlsurface.export import weekly_revisions
from controlsurface.export.focus.charge_query import ChargesQuery
from controlsurface.export.reconciliation.bill_import import BillsQuery, ImportBillPart
from controlsurface.export.reconciliation.reconciliation_query import ReconciliationQuery
from controlsurface.export.week_editions import EditionsQuery

QUERIES: tuple[type[Query[Any]], ...] = (
    metric_queries.CatalogQuery,
    metric_queries.MetricQuery,
    metric_queries.DistributionQuery,
    metric_queries.DimensionsQuery,
    metric_queries.AttributionQuery,
    ContributorsQuery,
    RegionQuery,
    EventsQuery,
    LanesQuery,
    AssumedLanesQuery,
    RequestsQuery,
    SpanFailuresQuery,
    RequestQuery,
    TraceQuery,
    ingest_queries.IngestQuery,
    ingest_queries.UnreadKeysQuery,
    ingest_queries.DroppedKeysQuery,
    SourcesQuery,
    BatchQuery,
    ExtentQuery,
    retention_status.RetentionQuery,
    rederivation.RederivationQuery,
    reprice_order.RepricingQuery,
    reprice_order.RepricedModelsQuery,
    CallPricesQuery,
    HardwareQuery,
    JobRunsQuery,
    SwitchingCostQuery,
    UnitCostsQuery,
    RestatementsQuery,
    BudgetsQuery,
    incidents.IncidentsQuery,
    incidents.ControlCostQuery,
    ArchitecturesQuery,
    EntropyQuery,
    StorageQuery,
    PriceEditionsQuery,
    UsageLedgerQuery,
    CardinalityQuery,
    AdviceQuery,
    CoverageQuery,
    review_queue.ReviewItemsQuery,
    review_queue.NextItemQuery,
    reviewer_agreement.ReviewerAgreementQuery,
    label_exchange.LabelsQuery,
    policy.CurrentPolicyQuery,
    policy.PolicyHistoryQuery,
    sampling_plan.SamplingQuery,
    sampling_plan.SamplingPlanQuery,
    disagreement_query.DisagreementQuery,
    calibration_query.CalibrationQuery,
    what_if_query.WhatIfQuery,
    strategies_query.StrategiesQuery,
    weekly_revisions.WeeklyExports,
    ChargesQuery,
    EditionsQuery,
    BillsQuery,
    ReconciliationQuery,
    alert_queries.AlertsQuery,
    alert_queries.AlertHistoryQuery,
    BacktestQuery,
    RulePreviewQuery,
    notifier_commands.NotifiersQuery,
    alert_queries.AlertRulesQuery,
    rule_commands.RuleQuery,
    alert_queries.NotificationsQuery,
    silence_commands.SilencesQuery,
    saved_views.SavedViewsQuery,
    TaskProfileQuery,
    TaskProfileHistoryQuery,
    snapshot_order.SnapshotQuery,
)
COMMANDS: tuple[type[Command], ...] = (
    RecordEvent,
    AssignLane,
    retention_status.ApplyRetentionCommand,
    rederivation.RederiveCommand,
    reprice_order.RepriceCommand,
    review_labels.SetLabelCommand,
    label_exchange.ImportLabelsCommand,
    AcceptBaseline,
    policy.SetPolicyCommand,
    policy.RollbackCommand,
    sampling_plan.LogSamplingCommand,
    CreatePlanCommand,
    weekly_revisions.RecordExport,
    ImportBillPart,
    silence_commands.PutSilence,
    silence_commands.ExpireSilence,
    incidents.RecordIncident,
    incidents.EndIncident,
    incidents.DeleteIncident,
    saved_views.SaveViewCommand,
    saved_views.DeleteViewCommand,
    SetTaskProfileCommand,
    SetThreshold,
    notifier_commands.SendTestMessage,
    rule_commands.SaveRule,
    rule_commands.RemoveRule,
    snapshot_order.TakeSnapshot,
    snapshot_order.RemoveSnapshot,
)
