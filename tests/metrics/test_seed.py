"""The seeded traffic is worth testing with: coherent, repeatable, and with holes wherever holes are possible."""

from datetime import UTC, datetime

import pytest

from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed

ONE_WAY = {"shadow_small_usd"}  # the seeded router shadows the large lane alone


@pytest.mark.parametrize("table", ["requests", "attempts", "evaluations"])
def test_every_column_that_may_be_null_is_so_somewhere_and_not_everywhere(table: str, store: DuckStore) -> None:
    columns = store.state(
        f"SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = '{table}'"
    )
    for column in (each for each in columns.to_pylist() if each["column_name"] not in ONE_WAY):
        (share,) = store.state(f"SELECT count({column['column_name']}) / count(*) AS share FROM {table}").to_pylist()
        assert (0 < share["share"] < 1) == (column["is_nullable"] == "YES"), column


def test_attempts_belong_to_their_requests(store: DuckStore) -> None:
    sql = """
        SELECT count(*) AS n
        FROM requests AS r JOIN (
            SELECT request_id, count(*) AS calls, sum(cost_usd) AS cost
            FROM attempts WHERE purpose = 'user' GROUP BY request_id
        ) AS a USING (request_id)
        WHERE r.attempts <> a.calls OR r.cost_usd <> a.cost
    """
    assert store.state(sql).to_pylist() == [{"n": 0}]


def test_traffic_of_the_same_seed_is_the_same(store: DuckStore) -> None:
    again = DuckStore.in_memory()
    seed(again, n=4_000, end=NOW)
    sql = "SELECT bit_xor(hash(r)) AS fingerprint FROM {} AS r"
    for table in ("requests", "attempts", "evaluations", "spans"):
        assert again.state(sql.format(table)) == store.state(sql.format(table))
    again.close()


def test_seeded_traffic_ends_now_by_default() -> None:
    store = DuckStore.in_memory()
    seed(store, n=200, days=1)
    last = store.state("SELECT max(started_at) AS last FROM requests")["last"][0].as_py()
    assert 0 < (datetime.now(UTC) - last.replace(tzinfo=UTC)).total_seconds() < 3600
    store.close()
