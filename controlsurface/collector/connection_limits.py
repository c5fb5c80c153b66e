"""How many connections each listener may hold, so that none takes the file descriptors that another one needs.

A process that has no descriptor left accepts nobody, and can open no segment of its journal either. So the soft limit
is raised to the hard one at the start, a part is kept back for files, and the rest is divided.
"""

import resource
from contextlib import suppress
from dataclasses import dataclass

RESERVED_DESCRIPTORS = (
    160  # descriptors kept for the store, the journal, the checker, notifiers, and what queries spill
)
MAX_DESCRIPTORS = 65_536  # that are divided, where the system allows millions
MIN_CONNECTIONS = 8  # connections of any listener, however low the limit is


@dataclass(frozen=True, slots=True)
class ListenerConnections:
    """How many connections each listener may hold at once."""

    api: int
    otlp_http: int
    otlp_grpc: int


def raise_descriptor_limit() -> int:
    """The limit of open files, after the soft one was raised to the hard one where that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS refuses what it calls unlimited
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(soft, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def divide_descriptors(limit: int) -> ListenerConnections:
    """Half for senders over HTTP, and a quarter each for senders over gRPC and for readers.

    >>> divide_descriptors(1024)
    Connections(api=216, otlp_http=432, otlp_grpc=216)
    """
    most = max(min(limit, MAX_DESCRIPTORS) - RESERVED_DESCRIPTORS, 0)
    return ListenerConnections(
        max(most // 4, MIN_CONNECTIONS), max(most // 2, MIN_CONNECTIONS), max(most // 4, MIN_CONNECTIONS)
    )
