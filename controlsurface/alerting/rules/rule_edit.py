"""Rules made, changed and removed in the user's own files; of a shipped rule only what differs is written there."""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from controlsurface.alerting.rules import yaml_edit
from controlsurface.alerting.rules.rule_loader import (
    LoadedRuleGroup,
    ParsedRuleFile,
    RuleSet,
    build_rule_set,
    configured_rule_paths,
    find_rule_files,
    is_shipped,
    parse_rule_files,
)
from controlsurface.alerting.rules.rule_models import AlertRule, RuleFile
from controlsurface.alerting.rules.rule_overrides import diff_patch, rule_json
from controlsurface.alerting.rules.yaml_tree import YamlPath, YamlTree, value_at
from controlsurface.atomic_file import atomic_replacement
from controlsurface.config import Config
from controlsurface.errors import BadRequest, ConfigError, NotFound, did_you_mean

CUSTOM_FILE = "custom.yaml"  # what is made here; files that are there already are changed where they are
CUSTOM_GROUP = "custom"
_FILE_HEAD = (
    "# Rules, and overrides of shipped ones. The Alerts page, API and command line write here; comments stay.\n"
)


@dataclass(frozen=True, slots=True)
class TextEdit:
    """A file and the text that it is to have."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class EditableRules:
    """All rule files of a configuration as they are now, and the rules that they make."""

    config: Config
    files: Sequence[ParsedRuleFile]
    rules: RuleSet

    def group_of(self, name: str) -> LoadedRuleGroup | None:
        """The group in which a rule stands."""
        return next((each for each in self.rules.groups if name in {rule.alert for rule in each.group.rules}), None)

    def original(self, name: str) -> AlertRule | None:
        """A rule without its override; None where there is none of that name."""
        override = self.rules.overrides.get(name)
        return override.original if override else self.rules.rules.get(name)

    def version(self, name: str) -> str:
        """The entity tag of a rule as it is now: it changes with the rule, its override, its group and its file."""
        source, rule = self.group_of(name), self.rules.rules.get(name)
        if source is None or rule is None:
            return ""
        override = self.rules.overrides.get(name)
        place = [source.file, source.group.name, source.group.interval.total_seconds(), override and override.file]
        return f'"{sha256(orjson.dumps([rule_json(rule), *place])).hexdigest()[:16]}"'

    def place(self, name: str, kind: str) -> tuple[ParsedRuleFile, YamlPath] | None:
        """Where a rule or an override (`kind`: groups, overrides) of that name stands in a file of one's own."""
        for each in self.files:
            for place in each.tree.spans:
                if place[:1] == (kind,) and place[-1:] == ("alert",) and value_at(each.tree.value, place) == name:
                    return None if is_shipped(each.path) else (each, place[:-1])
        return None


def read_rules(config: Config) -> EditableRules:
    """The rule files of a configuration. Raises ConfigError: none is changed beside a wrong one."""
    files = parse_rule_files(find_rule_files(configured_rule_paths(config).paths))
    return EditableRules(config, files, build_rule_set(files))


def edit_to_save(found: EditableRules, rule: AlertRule, group: str, interval: str, notes: Sequence[str]) -> TextEdit:
    """The file in which the rule is as given from now on. Raises BadRequest where there is no place for it."""
    old = found.original(rule.alert)
    if old is None:
        return _new_rule(found, rule, group or CUSTOM_GROUP, interval, notes)
    if own := found.place(rule.alert, "groups"):
        if found.place(rule.alert, "overrides"):
            raise BadRequest(f"{rule.alert}: has an override; remove that first")
        each, place = own
        return TextEdit(
            each.path, yaml_edit.patch_table(_text(each), place, diff_patch(rule_json(old), rule_json(rule)))
        )
    return _override(found, rule.alert, diff_patch(rule_json(old), rule_json(rule)), notes)


def edit_to_remove(found: EditableRules, name: str) -> TextEdit:
    """The file without the override of a rule, else without the rule. Raises NotFound, BadRequest for shipped ones."""
    if there := found.place(name, "overrides") or found.place(name, "groups"):
        each, place = there
        whole_group = place[0] == "groups" and len(value_at(each.tree.value, place[:-1])) == 1
        return TextEdit(each.path, _without(_text(each), place[:2] if whole_group else place))
    if name in found.rules.rules:
        raise BadRequest(f"{name}: is shipped as it is; to switch it off, name it in alerts.disable")
    raise NotFound(f"no rule named '{name[:100]}'{did_you_mean(name, found.rules.rules)}")


def _without(text: str, place: YamlPath) -> str:
    return yaml_edit.remove_from_list(text, place)


def _override(found: EditableRules, name: str, changes: Mapping[str, Any], notes: Sequence[str]) -> TextEdit:
    """What differs from a shipped rule; nothing differs: no override."""
    there = found.place(name, "overrides")
    item = {"alert": name, **changes}
    if there is None:
        each = _custom_file(found)
        if not changes:
            raise BadRequest(f"{name}: is like that already")
        return TextEdit(each.path, _appended(each, "overrides", item, notes))
    each, place = there
    if not changes:
        return TextEdit(each.path, _without(_text(each), place))
    if _has_null(changes):  # which says that a key goes: nothing to be merged
        text = _without(_text(each), place)
        return TextEdit(each.path, yaml_edit.append_to_list(text, ("overrides",), item, notes))
    patch = diff_patch(value_at(each.tree.value, place), item)
    return TextEdit(each.path, yaml_edit.patch_table(_text(each), place, patch))


def _has_null(value: Any) -> bool:
    return value is None or (isinstance(value, Mapping) and any(map(_has_null, value.values())))


def _new_rule(found: EditableRules, rule: AlertRule, group: str, interval: str, notes: Sequence[str]) -> TextEdit:
    """At the end of its group in the custom file, which is made if need be."""
    each, item = _custom_file(found), rule_json(rule)
    groups = (each.tree.value or {}).get("groups") or []
    i = next((i for i, one in enumerate(groups) if one["name"] == group), None)
    if i is not None:
        return TextEdit(each.path, yaml_edit.append_to_list(_text(each), ("groups", i, "rules"), item, notes))
    about = {"name": group} | ({"interval": interval} if interval else {})
    if "groups" in (each.tree.value or {}):
        return TextEdit(each.path, yaml_edit.append_to_list(_text(each), ("groups",), about | {"rules": [item]}, notes))
    lines = f"{yaml_edit.table_lines(about, 2)}\n    rules:\n{yaml_edit.table_lines(item, 6, notes=notes)}"
    return TextEdit(each.path, f"{_ended(_text(each))}groups:\n{lines}\n")


def _appended(each: ParsedRuleFile, name: str, item: Mapping[str, Any], notes: Sequence[str]) -> str:
    """The file's text with one more item in a list at its top, which is made if need be."""
    if each.tree.value and name in each.tree.value:
        return yaml_edit.append_to_list(_text(each), (name,), item, notes)
    return f"{_ended(_text(each))}{name}:\n{yaml_edit.table_lines(item, 2, notes=notes)}\n"


def _custom_file(found: EditableRules) -> ParsedRuleFile:
    """The file for what is new. Raises BadRequest where no folder is configured."""
    folders = [path for path in map(Path, found.config.alerts.directories) if path.is_dir()]
    if not folders:
        raise BadRequest("no folder for rules of your own; name one in alerts.directories")
    path = folders[0] / CUSTOM_FILE
    there = next((each for each in found.files if each.path == path), None)
    return there or ParsedRuleFile(path, YamlTree(None, {}), RuleFile(overrides=()))


def _text(each: ParsedRuleFile) -> str:
    """What is in a file now, its line ends as they are."""
    try:
        return each.path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return _FILE_HEAD
    except (OSError, UnicodeDecodeError) as problem:
        raise BadRequest(f"{each.path}: {problem}") from None


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def save_rule_file(config: Config, edit: TextEdit) -> EditableRules:
    """The text in the place of the file at once, after all rules were understood with it. Raises ConfigError."""
    paths = find_rule_files(configured_rule_paths(config).paths)
    try:
        with atomic_replacement(edit.path) as draft:
            draft.write_bytes(edit.text.encode())
            read = [draft if path == edit.path else path for path in dict.fromkeys((*paths, edit.path))]
            files = [_in_place(each, draft, edit.path) for each in parse_rule_files(read)]
            return EditableRules(config, files, build_rule_set(files))
    except ConfigError as problem:
        raise ConfigError(str(problem).replace(str(draft), str(edit.path))) from None
    except OSError as problem:
        raise BadRequest(f"{edit.path}: {problem.strerror}") from None


def _in_place(each: ParsedRuleFile, draft: Path, path: Path) -> ParsedRuleFile:
    return replace(each, path=path) if each.path == draft else each


@contextmanager
def rules_lock(config: Config) -> Iterator[None]:
    """One change of rule files at a time, whichever thread or process makes it."""
    folder = next((path for path in config.alerts.directories if Path(path).is_dir()), None)
    if folder is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
