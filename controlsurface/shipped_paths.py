"""Where the shipped collectors, dashboards and alerts live on disk."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_PACKED = _PACKAGE / "_content"
ROOT = _PACKED if _PACKED.is_dir() else _PACKAGE.parent  # wheel, or checkout
COLLECTORS = ROOT / "collectors"
DASHBOARDS = ROOT / "dashboards"
ALERTS = ROOT / "alerts"
