"""The tab Reconcile of the page Cost: in the address, empty at first, and with a bill its differences."""

from datetime import UTC, datetime

from controlsurface.client import LocalClient
from controlsurface.export.reconciliation.bill_import import import_bill
from controlsurface.export.reconciliation.bill_reader import read_bill
from controlsurface.export.reconciliation.bill_tables import parse_mapping
from controlsurface.store.duckdb import DuckStore
from tests.ui.conftest import Open
from tests.ui.test_pages import html


def test_the_reconcile_tab_says_what_to_do_until_a_bill_is_imported(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "cost.py", range="24h", part="Reconcile")
    assert not app.exception
    assert "No bill covers this range" in html(app)


def test_the_reconcile_tab_shows_a_bill_beside_the_estimates(opened: Open, seeded_url: str, seeded: DuckStore) -> None:
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    body = f"day,usd,model\n{day},12.5,some-model\n".encode()
    mapping = parse_mapping('provider = "Acme AI"\nday = "day"\namount = "usd"\nmodel = "model"\n', "m")
    import_bill(LocalClient(seeded), read_bill("acme.csv", body, mapping), body)
    app = opened(seeded_url, "cost.py", range="7d", part="Reconcile")
    assert not app.exception
    rows = app.dataframe[0].value
    assert [*rows["model"]] == ["some-model"]
    assert "no call of this model" in rows["likely reason"].iloc[0]
    assert any("of the billed usage" in each.value for each in app.caption)
