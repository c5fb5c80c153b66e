"""`make golden` writes the reviewed statements anew: one file for each, and none besides."""

from tests.metrics.test_metric_query import GOLDEN, PINNED

if __name__ == "__main__":
    for path in GOLDEN.iterdir():
        if path.stem not in PINNED:
            path.unlink()
    for name, statement in PINNED.items():
        (GOLDEN / f"{name}.sql").write_text(statement.sql + "\n", "utf-8")
