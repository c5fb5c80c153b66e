"""What public data look like on the screen: ten requests of a subject are too few for a share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controlsurface.client.local_client import LocalClient
from tests.ingest.table.test_shipped_mappings import imported
from tests.serving import serving
from tests.ui.conftest import Open
from tests.ui.test_pages import html

PROBES = {"range": "custom", "from": "2026-03-26T00:00", "to": "2026-03-27T00:00", "one": "before", "other": "after"}


@pytest.fixture(scope="module")
def probes(shared_data: Path) -> Iterator[str]:
    with serving(LocalClient(imported(shared_data / "vllm_sr_probes/probes.parquet", "vllm_sr_probes").store)) as url:
        yield url


def test_the_probes_escalated_all_and_then_two_thirds(opened: Open, probes: str) -> None:
    page = html(opened(probes, "compare.py", **PROBES))
    row = page[page.index("Escalation rate") :].partition("</tr>")[0]
    assert "100.0 %" in row
    assert "67.1 %" in row
    assert "-32.9 pp" in row


def test_ten_probes_of_a_subject_are_too_few(opened: Open, probes: str) -> None:
    page = html(opened(probes, "compare.py", **PROBES))
    table = page[page.index('aria-label="differences by task type"') :].partition("</table>")[0]
    rows = table.partition("<tbody>")[2].split("</tr>")[:-1]
    assert len(rows) == 14
    assert not [row for row in rows if "%" in row or " pp" in row]
    assert all("too few" in row or "n 10" in row for row in rows)
