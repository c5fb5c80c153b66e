"""Values of a YAML text are changed in place: comments, order and line ends stay, and what cannot be is refused."""

import pytest
import yaml

from controlsurface.alerting.rules.rule_overrides import merge_patch
from controlsurface.alerting.rules.yaml_edit import append_to_list, patch_table, remove_from_list, yaml_text
from controlsurface.alerting.rules.yaml_tree import parse_yaml, value_at
from controlsurface.errors import BadRequest

TEXT = """\
# What the router team agreed on.
groups:
  - name: routing  # theirs
    rules:
      # above the rule
      - alert: High
        metric: escalation_rate   # a share
        by: [task_type]
        above: {times: 1.5, limit: 0.30}  # since May
        labels:
          # who is woken
          severity: page  # not at night
          owner: ann

      - {alert: Flow, metric: error_rate, above: 0.2, labels: {severity: page}}
      # the end of the list

overrides:
- alert: Other
  above: 0.4
# the end of the file
"""
HIGH = ("groups", 0, "rules", 0)
FLOW = ("groups", 0, "rules", 1)


def comments(text: str) -> list[str]:
    return sorted(line.partition("#")[2].strip() for line in text.splitlines() if "#" in line)


@pytest.mark.parametrize("place", [HIGH, FLOW, ("overrides", 0)])
@pytest.mark.parametrize(
    "patch",
    [
        {"above": 0.25},
        {"above": {"limit": 0.4}},
        {"for": "10m"},
        {"labels": {"severity": "ticket"}},
        {"labels": {"team": "x: y"}},
        {"labels": {"severity": None}},
        {"above": None, "below": 0.1},
        {"metric": None},
        {"by": ["lane", "model"], "where": {"lane": [None, "on"]}},
        {"labels": None, "annotations": {"summary": 'a "b" # {{ $value }}'}},
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_patched_table_means_the_patch_and_keeps_order_and_line_ends(
    place: tuple[int | str, ...], patch: dict[str, object], newline: str
) -> None:
    found = patch_table(TEXT.replace("\n", newline), place, patch)
    expected = merge_patch(value_at(yaml.safe_load(TEXT), place), patch)  # by another reader of YAML
    changed = value_at(parse_yaml(found).value, place)
    assert changed == expected
    assert list(changed) == list(expected)
    assert found.count("\n") == found.count(newline)
    gone = (
        {"who is woken", "not at night", "a share", "since May"} if None in patch.values() or place == HIGH else set()
    )
    assert set(comments(TEXT)) - set(comments(found)) <= gone


def test_a_number_is_all_that_changes() -> None:
    assert patch_table(TEXT, HIGH, {"above": {"limit": 0.35}}) == TEXT.replace("0.30", "0.35")
    assert patch_table(TEXT, HIGH, {"labels": {"severity": "ticket"}}) == TEXT.replace(
        "severity: page  #", "severity: ticket  #"
    )


# ruyaml#115, buildstream#1495: libraries that write the whole document anew lose comments at the ends of lists.
def test_a_new_item_stands_at_the_end_of_its_list_and_no_comment_is_lost() -> None:
    found = append_to_list(TEXT, ("groups", 0, "rules"), {"alert": "New", "heartbeat": True}, ["ann: why"])
    assert "      - alert: New\n        # ann: why\n        heartbeat: true\n" in found
    assert set(comments(found)) == {*comments(TEXT), "ann: why"}
    assert append_to_list("groups: []\n", ("groups",), {"name": "a"}) == "groups: [{name: a}]\n"
    assert append_to_list("a:\n- b: 1", ("a",), {"c": 2}) == "a:\n- b: 1\n- c: 2"


def test_a_removed_item_takes_only_its_own_lines() -> None:
    found = remove_from_list(TEXT, HIGH)
    assert [each["alert"] for each in parse_yaml(found).value["groups"][0]["rules"]] == ["Flow"]
    assert {"above the rule", "the end of the list", "theirs"} <= set(comments(found))
    assert parse_yaml(remove_from_list(TEXT, ("overrides", 0))).value["overrides"] == []
    assert remove_from_list("a: [{b: 1}, {c: 2}]", ("a", 1)) == "a: [{b: 1}]"


def test_a_value_behind_an_anchor_is_not_changed_where_it_stands_twice() -> None:
    with pytest.raises(BadRequest, match="only an editor"):
        patch_table("a: &x {b: 1}\nc: *x\n", ("c",), {"b": 2})


@pytest.mark.parametrize(
    "value", ["on", "1e3", "007", "a: b", "#x", "", "null", "ä ö", "15m", "- x", "{{ $value }}", "a\nb", " a"]
)
def test_a_text_stays_the_text_for_every_reader(value: str) -> None:
    assert yaml.safe_load(yaml_text([value])) == [value] == parse_yaml(yaml_text([value])).value
