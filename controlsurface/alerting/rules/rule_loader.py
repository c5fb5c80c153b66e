"""Rule files: found, read again when they change, understood as a whole or refused with every problem's place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from controlsurface.alerting.rules import annotation_templates
from controlsurface.alerting.rules.rule_doubts import rule_doubts
from controlsurface.alerting.rules.rule_models import (
    RULE_CLASSES,
    AlertRule,
    RuleFile,
    RuleGroup,
    RuleOverride,
    detect_rule_kind,
)
from controlsurface.alerting.rules.rule_overrides import AppliedOverride, merge_patch
from controlsurface.alerting.rules.yaml_tree import YamlPath, YamlTree, parse_yaml, value_at
from controlsurface.config import Config
from controlsurface.errors import ConfigError, NotFound, did_you_mean
from controlsurface.explanations import models_in, problem_text
from controlsurface.shipped_paths import ALERTS

TEST_FILE_SUFFIX = ".test.yaml"

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class LoadedRuleGroup:
    """A group of rules and the file it stands in."""

    file: str
    group: RuleGroup

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others: two files may have groups of one name."""
        return self.file, self.group.name


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules in force, in the order of their files."""

    groups: tuple[LoadedRuleGroup, ...] = ()
    overrides: Mapping[str, AppliedOverride] = field(default_factory=dict)  # by the name of the rule
    doubts: tuple[str, ...] = ()  # what is odd and harms nothing else, with file and line

    @property
    def rules(self) -> Mapping[str, AlertRule]:
        """Each rule under its name."""
        return {rule.alert: rule for source in self.groups for rule in source.group.rules}

    def without(self, names: Iterable[str]) -> "RuleSet":
        """The same but for some rules; a group without rules is none."""
        left_out = set(names)
        kept = (
            LoadedRuleGroup(source.file, source.group.model_copy(update={"rules": rules}))
            for source in self.groups
            if (rules := tuple(rule for rule in source.group.rules if rule.alert not in left_out))
        )
        overrides = {name: each for name, each in self.overrides.items() if name not in left_out}
        return RuleSet(tuple(kept), overrides, self.doubts)


@dataclass(frozen=True, slots=True)
class ParsedRuleFile:
    """A rule file that is understood: its text as a tree, and what it means."""

    path: Path
    tree: YamlTree
    model: RuleFile


def is_shipped(file: str | Path) -> bool:
    """Whether a rule file came with Control Surface."""
    return Path(file).resolve().is_relative_to(Path(ALERTS).resolve())


def find_rule_files(places: Iterable[Path]) -> list[Path]:
    """The rule files that files and folders name, tests left out. Raises NotFound."""
    found: list[Path] = []
    for place in places:
        if not place.exists():
            raise NotFound(f"{place}: no such file or folder")
        inside = sorted([*place.glob("*.yaml"), *place.glob("*.yml")]) if place.is_dir() else [place]
        found += [path for path in inside if not path.name.endswith(TEST_FILE_SUFFIX)]
    return list(dict.fromkeys(found))


def load_rule_files(paths: Iterable[Path]) -> RuleSet:
    """The rules of the files, overrides applied. Raises ConfigError with every problem of all of them, one a line.

    An override that is wrong leaves its rule as it is, and is a doubt.
    """
    return build_rule_set(parse_rule_files(paths))


def build_rule_set(files: Sequence[ParsedRuleFile]) -> RuleSet:
    """The rules of files that are understood, overrides applied."""
    groups = tuple(LoadedRuleGroup(str(each.path), group) for each in files for group in each.model.groups)
    found = _with_overrides(RuleSet(groups), files)
    return replace(found, doubts=(*found.doubts, *_doubt_lines(files, found)))


def parse_rule_files(paths: Iterable[Path]) -> list[ParsedRuleFile]:
    """Each file by itself. Raises ConfigError with every problem of all of them, one a line."""
    files: list[ParsedRuleFile] = []
    wrong: list[str] = []
    names: dict[str, str] = {}
    for path in paths:
        tree, model, problems = parse_yaml_file(path, RuleFile)
        wrong += problems
        if model:
            found = (*_template_problems(model), *_duplicate_rules(model, str(path), tree, names))
            wrong += _problem_lines(path, tree, found)
            files.append(ParsedRuleFile(path, tree, model))
    if wrong:
        raise ConfigError("\n".join(wrong))
    return files


def _with_overrides(found: RuleSet, files: Sequence[ParsedRuleFile]) -> RuleSet:
    """The rules as overrides have them; of two for one rule the first counts."""
    originals = {
        rule.alert: value_at(each.tree.value, place) for each in files for place, rule in _rules_with_places(each.model)
    }
    rules: dict[str, AlertRule] = {}
    applied: dict[str, AppliedOverride] = {}
    doubts: list[str] = []
    for each, place, override in _overrides_with_places(files):
        name, line = override.alert, each.tree.line((*place, "alert"))
        if name not in originals:
            problems = [((*place, "alert"), f"no rule named '{name}'{did_you_mean(name, originals)}; without effect")]
        elif name in applied:
            problems = [((*place, "alert"), f"overridden already: {applied[name].file}:{applied[name].line}")]
        else:
            merged, problems = validate_rule(merge_patch(originals[name], override.changes), place)
            if merged:
                rules[name] = merged
                applied[name] = AppliedOverride(str(each.path), line, found.rules[name])
        doubts += _problem_lines(each.path, each.tree, problems)
    return RuleSet(tuple(_replace_rules(source, rules) for source in found.groups), applied, tuple(doubts))


def _overrides_with_places(files: Iterable[ParsedRuleFile]) -> Iterator[tuple[ParsedRuleFile, YamlPath, RuleOverride]]:
    for each in files:
        for i, override in enumerate(each.model.overrides):
            yield each, ("overrides", i), override


def _replace_rules(source: LoadedRuleGroup, rules: Mapping[str, AlertRule]) -> LoadedRuleGroup:
    """The group with some of its rules in another shape."""
    changed = tuple(rules.get(rule.alert, rule) for rule in source.group.rules)
    return LoadedRuleGroup(source.file, source.group.model_copy(update={"rules": changed}))


def validate_rule(value: Any, place: YamlPath = ()) -> tuple[AlertRule | None, list[tuple[YamlPath, str]]]:
    """One rule as rule files have it (None where it is not understood), and its problems at their places."""
    alone = {"groups": [{"name": "alone", "rules": [value]}]}
    inside = len(("groups", 0, "rules", 0))
    try:
        model = RuleFile.model_validate(alone)
    except ValidationError as problem:
        found = list(_explain_validation_error(problem, alone, RuleFile))
        return None, [((*place, *where[inside:]), text) for where, text in found]
    wrong = [((*place, *where[inside:]), text) for where, text in _template_problems(model)]
    return None if wrong else model.groups[0].rules[0], wrong


def _doubt_lines(files: Sequence[ParsedRuleFile], found: RuleSet) -> Iterator[str]:
    """What is odd about rules, where it is written: in the override, where that is to blame."""
    places = {
        rule.alert: (each, place, each.model.groups[place[1]].interval)  # type: ignore[index]
        for each in files
        for place, rule in _rules_with_places(each.model)
    }
    overriding = {override.alert: (each, place) for each, place, override in _overrides_with_places(files)}
    for name, rule in found.rules.items():
        each, place, interval = places[name]
        for field_name, text in rule_doubts(rule, interval):
            source, at = overriding.get(name, (each, place))
            if (*at, field_name) not in source.tree.lines:
                source, at = each, place
            yield from _problem_lines(source.path, source.tree, [((*at, field_name), text)])


def parse_yaml_file(path: Path, model: type[M]) -> tuple[YamlTree, M | None, list[str]]:
    """A file's tree, its model (None where it is not understood), and its problems with file, line and place."""
    try:
        tree = parse_yaml(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        return YamlTree(None, {}), None, [f"{path}: {problem}"]
    wrong = [f"{path}:{line}: {text}" for line, text in tree.problems]
    if tree.value is None:
        return tree, None, wrong or [f"{path}: is empty"]
    try:
        understood = model.model_validate(tree.value)
    except ValidationError as problem:
        return tree, None, wrong + _problem_lines(path, tree, _explain_validation_error(problem, tree.value, model))
    return tree, None if wrong else understood, wrong


def _problem_lines(path: Path, tree: YamlTree, problems: Iterable[tuple[YamlPath, str]]) -> list[str]:
    """Problems as lines: `file:line: place: text`."""
    ordered = sorted(problems, key=lambda each: tree.line(each[0]))
    return [f"{path}:{tree.line(place)}: {_place_prefix(place)}{text}" for place, text in ordered]


def _place_prefix(place: YamlPath) -> str:
    """`groups[0].rules[2].metric: `."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return f"{text.lstrip('.')}: " if text else ""


def _explain_validation_error(
    error: ValidationError, value: Any, model: type[BaseModel]
) -> Iterator[tuple[YamlPath, str]]:
    """Pydantic's errors at the places of the document."""
    for each in error.errors():
        place = _document_place(each["loc"], value, missing=each["type"] == "missing")
        if each["type"] == "too_short" and value_at(value, place):
            continue  # its items are wrong, and have said so
        yield place, _error_text(each, place, value, model)


def _error_text(each: Mapping[str, Any], place: YamlPath, value: Any, model: type[BaseModel]) -> str:
    """What is wrong, and what may have been meant."""
    owner = _model_at(place[:-1], value, model)
    known = [field.alias or name for name, field in owner.model_fields.items()]
    return problem_text(each, known, f"field in a {owner.kind} rule" if issubclass(owner, AlertRule) else "field")


def _document_place(loc: YamlPath, value: Any, *, missing: bool) -> YamlPath:
    """Pydantic's place without the names of the models it tried."""
    place: list[int | str] = []
    for i, part in enumerate(loc):
        if i > 1 and loc[i - 2] == "rules" and isinstance(loc[i - 1], int):
            continue  # the rule's kind, which may also be the name of a field
        here = value_at(value, tuple(place))
        inside = (isinstance(here, dict) and part in here) or (isinstance(here, list) and isinstance(part, int))
        if inside or (missing and i == len(loc) - 1):
            place.append(part)
    return tuple(place)


def _model_at(place: YamlPath, value: Any, model: type[BaseModel]) -> type[BaseModel]:
    """The model of the table at a place."""
    for i, part in enumerate(place):
        if isinstance(part, int):
            is_rule = issubclass(model, RuleGroup) and place[i - 1] == "rules"
            model = RULE_CLASSES[detect_rule_kind(value_at(value, place[: i + 1]))] if is_rule else model
        elif part != "rules":
            field = next((f for name, f in model.model_fields.items() if part in {name, f.alias}), None)
            model = next(models_in(field.annotation), model) if field else model
    return model


def _rules_with_places(model: RuleFile) -> Iterator[tuple[YamlPath, AlertRule]]:
    for i, group in enumerate(model.groups):
        for j, rule in enumerate(group.rules):
            yield ("groups", i, "rules", j), rule


def _template_problems(model: RuleFile) -> Iterator[tuple[YamlPath, str]]:
    """What is wrong with the texts of alerts."""
    for place, rule in _rules_with_places(model):
        for name, text in rule.annotations.items():
            if problem := annotation_templates.template_problem(text, rule.label_names):
                yield (*place, "annotations", name), problem


def _duplicate_rules(
    model: RuleFile, path: str, tree: YamlTree, names: dict[str, str]
) -> Sequence[tuple[YamlPath, str]]:
    """Rules whose name is another's already; remembers all names."""
    found = []
    for place, rule in _rules_with_places(model):
        where = f"{path}:{tree.line((*place, 'alert'))}"
        if names.setdefault(rule.alert, where) != where:
            found.append(((*place, "alert"), f"another rule is named '{rule.alert}': {names[rule.alert]}"))
    return found


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
