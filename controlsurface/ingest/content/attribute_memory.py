"""A memory of whole attributes, as on the wire, that the rule let pass for their very bytes and that come again."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

MAX_MEMORY_BYTES = 1 << 20  # in each process that checks, counted with what an entry takes beside its bytes
ENTRY_BYTES = 180  # a bytes object's head, and its places in a set that has just grown
MAX_ATTRIBUTE_BYTES = 128  # a longer value is a text or an identifier, and seldom comes again
MAX_MEAN_BYTES = 2048  # of a body's spans: to look an attribute up costs by its length, to look at its key does not
WINDOW_ATTRIBUTES = 4096  # among which an attribute must come twice
INTERVAL_ATTRIBUTES = 1 << 18  # from window to window: to count one costs as much as two looks


class AttributeMemory(set[bytes]):
    """Only what comes twice within a window gets in, so that values which never repeat displace none that do."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0  # bytes that it takes
        self._met = 0  # attributes since the window began
        self._window: Counter[bytes] = Counter()

    def learn(self, attributes: Sequence[bytes], passes: Callable[[bytes], bool]) -> None:
        """Count attributes as long as the window is open, and remember the frequent ones when it closes."""
        if self._met < WINDOW_ATTRIBUTES:
            first = islice(attributes, WINDOW_ATTRIBUTES - self._met)
            self._window.update(each for each in first if len(each) <= MAX_ATTRIBUTE_BYTES)
            if self._met + len(attributes) >= WINDOW_ATTRIBUTES:
                self._close(passes)
        self._met += len(attributes)
        if self._met >= INTERVAL_ATTRIBUTES:
            self._met = 0

    def _close(self, passes: Callable[[bytes], bool]) -> None:
        for each, count in self._window.items():
            if count > 1 and each not in self and passes(each):
                self._put(each)
        self._window.clear()

    def _put(self, attribute: bytes) -> None:
        size = len(attribute) + ENTRY_BYTES
        if self.size + size > MAX_MEMORY_BYTES:
            self.clear()
            self.size = 0
        self.add(attribute)
        self.size += size
