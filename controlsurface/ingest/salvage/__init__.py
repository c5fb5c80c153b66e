"""What is left of damaged journal segments: the next sound record behind damage, and frames that stand alone."""

from controlsurface.ingest.salvage.frames import packed_bytes, write_frames
from controlsurface.ingest.salvage.resync import next_record

__all__ = ["next_record", "packed_bytes", "write_frames"]
