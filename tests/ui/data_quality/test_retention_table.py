"""The Data page says what is kept, for how long, and what went."""

from datetime import timedelta

from controlsurface.client import LocalClient
from controlsurface.config import Config, RetentionConfig
from controlsurface.maintenance import retention_worker
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open


def test_the_data_page_says_what_is_kept_and_since_when_only_roll_ups_answer(opened: Open) -> None:
    store = DuckStore.in_memory()
    seed(store, n=300, days=2)
    kept = RetentionConfig(spans=timedelta(days=1), requests=timedelta(days=1))
    retention_worker.apply_retention(store, Config(retention=kept))
    with serving(LocalClient(store)) as url:
        page = opened(url, "data.py")
    table = next(each.value for each in page.dataframe if "too_old" in each.value)
    rows = {row["table"]: row for row in table.to_dict("records")}
    assert rows["spans"]["keep"] == "90 days"
    assert 0 < rows["requests"]["removed"] < 300
    assert any("only hourly roll-ups answer" in each.value for each in page.caption)
    store.close()
