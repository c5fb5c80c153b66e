"""What is left of damaged journal segments: the next sound record behind damage, and frames that stand alone."""

from controlsurface.ingest.journal.salvage.packed_frames import packed_bytes, write_frames
from controlsurface.ingest.journal.salvage.record_resync import next_record

__all__ = ["next_record", "packed_bytes", "write_frames"]
