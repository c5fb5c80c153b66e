"""Labels leave as CSV or Parquet and come back the same, through the command line, with a server or without."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from controlsurface.audit.answer_review import label_exchange, review_labels, review_queue
from controlsurface.cli import run_command
from controlsurface.client import LocalClient
from controlsurface.errors import BadRequest, Conflict, NotFound
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed

Said = pytest.CaptureFixture[str]
WORDS = 'he said "no, 12,5"\nand left; größer 😀'


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three labels, one of them taken back."""
    folder = tmp_path_factory.mktemp("labelled") / "data"
    store = DuckStore.open(folder)
    seed(store, n=700, end=NOW)
    reader = LocalClient(store)
    items = reader.run(review_queue.ReviewItemsQuery(review_queue.ReviewItemsArgs(limit=2))).rows.to_pylist()
    for item, reviewer, revision, verdict in (
        (items[0]["item_id"], "ana", 1, "left"),
        (items[0]["item_id"], "123", 1, "both"),
        (items[1]["item_id"], "ana", 1, "neither"),
        (items[1]["item_id"], "ana", 2, None),
    ):
        body = {"reviewer": reviewer, "revision": revision, "verdict": verdict, "comment": WORDS}
        reader.execute(review_labels.SetLabelCommand(item, review_labels.Label.model_validate(body)))
    reader.close()
    return folder


@pytest.fixture
def data(tmp_path: Path, labelled: Path) -> Path:
    return Path(shutil.copytree(labelled, tmp_path / "data"))


def labels(data: Path) -> list[dict[str, Any]]:
    reader = LocalClient(DuckStore.open(data))
    rows = reader.run(label_exchange.LabelsQuery(label_exchange.LabelsArgs())).rows.to_pylist()
    reader.close()
    return list(rows)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_exported_labels_come_back_the_same(
    data: Path, form: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    before = labels(data)
    assert run_command(["audit", "export", "--format", form, "--data", str(data)]) == 0
    file = tmp_path / f"labels.{form}"
    file.write_bytes(capfdbinary.readouterr().out)
    other = DuckStore.open(tmp_path / "other")
    seed(other, n=700, end=NOW)
    LocalClient(other).run(review_queue.ReviewItemsQuery(review_queue.ReviewItemsArgs()))
    other.close()
    for new, known in ((4, 0), (0, 4)):  # the second time changes nothing
        assert run_command(["audit", "import", str(file), "--data", str(tmp_path / "other")]) == 0
        assert json.loads(capfdbinary.readouterr().out) == {"new": new, "known": known, "without_item": 0}
    assert labels(tmp_path / "other") == before


def test_a_label_table_needs_three_columns(data: Path, tmp_path: Path, capsys: Said) -> None:
    item = labels(data)[0]["item_id"]
    (tmp_path / "own.csv").write_text(f"item_id,reviewer,verdict\n{item},bob,shadow\nunknown-item,bob,both\n")
    assert run_command(["audit", "import", str(tmp_path / "own.csv"), "--data", str(data)]) == 0
    assert json.loads(capsys.readouterr().out) == {"new": 2, "known": 0, "without_item": 1}
    assert [each["verdict"] for each in labels(data) if each["reviewer"] == "bob"] == ["shadow", "both"]


def test_a_label_that_contradicts_a_stored_one_is_refused_and_nothing_is_imported(
    data: Path, tmp_path: Path, capsys: Said
) -> None:
    before = labels(data)
    rows = [{"item_id": "new", "reviewer": "zoe", "verdict": "both"}, {**before[1], "verdict": "neither"}]
    names = ["item_id", "reviewer", "verdict"]
    pq.write_table(pa.Table.from_pylist([{n: r[n] for n in names} for r in rows]), tmp_path / "labels.parquet")
    assert run_command(["audit", "import", str(tmp_path / "labels.parquet"), "--data", str(data)]) == Conflict.exit_code
    assert "revision 1 of" in capsys.readouterr().err
    assert labels(data) == before


@pytest.mark.parametrize(
    ("text", "problem"),
    [("item_id,reviewer,verdict\na,b,left\n", "row 2: verdict"), ("item_id,verdict\na,both\n", "row 2: reviewer")],
)
def test_an_invalid_label_table_is_refused_with_its_place(
    data: Path, tmp_path: Path, capsys: Said, text: str, problem: str
) -> None:
    (tmp_path / "bad.csv").write_text(text)
    assert run_command(["audit", "import", str(tmp_path / "bad.csv"), "--data", str(data)]) == BadRequest.exit_code
    assert problem in capsys.readouterr().err


def test_the_audit_command_lists_items_labels_one_and_undoes_the_label(data: Path, capsys: Said) -> None:
    assert run_command(["audit", "list", "--since", "9000d", "--which", "open", "--json", "--data", str(data)]) == 0
    item = json.loads(capsys.readouterr().out)["rows"][0]["item_id"]
    for verdict, revision in (("shadow", 1), ("undo", 2)):
        assert run_command(["audit", "label", item, verdict, "--reviewer", "cy", "--data", str(data)]) == 0
        assert json.loads(capsys.readouterr().out)["revision"] == revision
    assert [each["verdict"] for each in labels(data) if each["reviewer"] == "cy"] == ["shadow", None]


def test_a_label_of_an_unknown_item_is_refused(data: Path) -> None:
    assert run_command(["audit", "label", "nothing", "both", "--data", str(data)]) == NotFound.exit_code
