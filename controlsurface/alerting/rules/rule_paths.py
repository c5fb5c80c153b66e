"""Rule files in force: read again when they change, and left as they were when they are wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controlsurface.alerting.rules.rule_loader import RuleSet, find_rule_files, load_rule_files
from controlsurface.config import Config
from controlsurface.errors import ConfigError, did_you_mean
from controlsurface.shipped_paths import ALERTS

FileStamps = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class RulePaths:
    """Files and folders of rules, and the names of rules that are switched off."""

    paths: tuple[Path, ...]
    disabled: tuple[str, ...] = ()

    def load(self) -> RuleSet:
        """The rules. Raises ConfigError with every problem, NotFound for a place that is not there."""
        found = load_rule_files(find_rule_files(self.paths))
        for name in self.disabled:
            if name not in found.rules:
                raise ConfigError(f"alerts.disable: no rule named '{name}'{did_you_mean(name, found.rules)}")
        return found.without(self.disabled)

    def stamp(self) -> FileStamps:
        """What changes when a file does: names, times and sizes."""
        found = []
        for place in self.paths:
            for path in sorted(place.glob("*.y*ml")) if place.is_dir() else [place]:
                try:
                    about = path.stat()
                except OSError:
                    continue  # it has just gone: the next look finds the same without it
                found.append((str(path), about.st_mtime_ns, about.st_size))
        return tuple(found)


def configured_rule_paths(config: Config, own: Sequence[Path] = ()) -> RulePaths:
    """Where rules are: those shipped, those of the configuration, and `own`."""
    shipped = [ALERTS] if config.alerts.shipped else []
    return RulePaths((*shipped, *map(Path, config.alerts.directories), *own), config.alerts.disable)
