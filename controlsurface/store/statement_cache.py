"""Statements as the engine has read them: to read a text takes a quarter of the time of most, and texts come again."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import duckdb

MAX_TEXT_CHARS = 24_000  # of a text that is worth keeping; a read one takes about 50 bytes a character
MAX_KEPT_CHARS = 400_000  # of all texts together; a flush has 60,000, and most queries have 2,000

Statements = Sequence[duckdb.Statement]


class StatementCache:
    """The statements of texts, those of the longest unused forgotten first. They belong to no connection."""

    def __init__(self, max_chars: int = MAX_KEPT_CHARS) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Statements] = OrderedDict()
        self._max_chars, self.chars = max_chars, 0

    def parse(self, connection: duckdb.DuckDBPyConnection, sql: str) -> Statements:
        """The statements of a text. Raises ParserException."""
        with self._lock:
            if (found := self._kept.get(sql)) is not None:
                self._kept.move_to_end(sql)
                return found
        statements = connection.extract_statements(sql)
        if len(sql) <= MAX_TEXT_CHARS:
            self._keep(sql, statements)
        return statements

    def _keep(self, sql: str, statements: Statements) -> None:
        with self._lock:
            if sql not in self._kept:
                self._kept[sql] = statements
                self.chars += len(sql)
            while self.chars > self._max_chars:
                forgotten, _ = self._kept.popitem(last=False)
                self.chars -= len(forgotten)


STATEMENTS = StatementCache()


def run(cursor: duckdb.DuckDBPyConnection, sql: str, params: object = ()) -> duckdb.DuckDBPyConnection:
    """Run a text's statements; parameters are for a single one. The result is that of the last."""
    statements = STATEMENTS.parse(cursor, sql)
    for statement in statements:
        cursor.execute(statement, params)
    return cursor
