"""Which architecture a request belongs to: the first of the configuration whose values it has."""

from collections.abc import Mapping

from controlsurface.config.architectures import ArchitectureConfig
from controlsurface.ingest.translate.vocabulary_sql import sql_literal
from controlsurface.store.duckdb import WriteTransaction


def label_architectures(writing: WriteTransaction, architectures: Mapping[str, ArchitectureConfig]) -> None:
    """Label `new_requests`, in one statement; a request that matches none stays unlabelled."""
    if architectures:
        writing.execute(f"UPDATE new_requests SET architecture = {architecture_sql(architectures)}")


def architecture_sql(architectures: Mapping[str, ArchitectureConfig]) -> str:
    """The architecture of a row of requests, as SQL; NULL for none.

    >>> architecture_sql({"agents": ArchitectureConfig(where=("service:planner", "service:agent"))})
    "CASE WHEN (service IN ('planner', 'agent')) THEN 'agents' END"
    """
    cases = (f"WHEN {_matches(each)} THEN {sql_literal(name)}" for name, each in architectures.items())
    return f"CASE {' '.join(cases)} END"


def _matches(architecture: ArchitectureConfig) -> str:
    """That every dimension has one of its values."""
    return " AND ".join(_one_of(name, values) for name, values in architecture.values.items())


def _one_of(column: str, values: tuple[str | None, ...]) -> str:
    known = ", ".join(sql_literal(each) for each in values if each is not None)
    listed = [f"{column} IN ({known})"] if known else []
    return f"({' OR '.join([*listed, *([f'{column} IS NULL'] if None in values else [])])})"
