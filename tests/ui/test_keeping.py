"""The Data page says what is kept, for how long, and what went."""

from datetime import timedelta

from controlsurface.config import Config, Retention
from controlsurface.ingest import keeper
from controlsurface.reader import LocalReader
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open


def test_the_data_page_says_what_is_kept_and_since_when_only_roll_ups_answer(opened: Open) -> None:
    store = DuckStore.in_memory()
    seed(store, n=300, days=2)
    kept = Retention(spans=timedelta(days=1), requests=timedelta(days=1))
    keeper.apply_at_once(store, Config(retention=kept))
    with serving(LocalReader(store)) as url:
        page = opened(url, "data.py")
    table = next(each.value for each in page.dataframe if "too_old" in each.value)
    rows = {row["table"]: row for row in table.to_dict("records")}
    assert rows["spans"]["keep"] == "90 days"
    assert 0 < rows["requests"]["removed"] < 300
    assert any("only hourly roll-ups answer" in each.value for each in page.caption)
    store.close()
