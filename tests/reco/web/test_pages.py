"""The first page: everything it names exists, nothing comes from elsewhere, two full languages."""

import ast
import inspect
import json
import re
from pathlib import Path
from typing import get_args

import pytest

from reco.api.pages import FOLDER
from reco.core import booking_rules
from reco.core.booking_rules import CancelReason, State
from reco.core.deposits import Cap
from reco.feed.table import NOTES, REASONS

FILES = sorted(path for path in FOLDER.iterdir() if path.is_file())
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
TEXTS = json.loads((FOLDER / "texts.json").read_text())


def test_whatever_is_named_exists():
    page = (FOLDER / "index.html").read_text()
    named = set(re.findall(r'(?:src|href)="([^"#]+)"', page))
    for script in SCRIPTS:
        named |= {Path(name).name for name in re.findall(r'from "\./([^"]+)"', script.read_text())}
        named |= set(re.findall(r'fetch\("([^"/]+)"\)', script.read_text()))
    assert {"app.js", "style.css", "icon.svg", "map.js", "texts.json"} <= named
    assert named <= {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path):
    hosts = set(re.findall(r"(?:https?:)?//([\w.-]+\.\w+)", path.read_text()))
    assert hosts <= {"www.w3.org"}


def test_no_script_or_style_stands_in_the_page():
    page = (FOLDER / "index.html").read_text()
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", page)
    assert '<html lang="fr">' in page


def test_both_languages_say_everything():
    assert TEXTS["fr"].keys() == TEXTS["en"].keys()
    for words in ("fr", "en"):
        for key, phrase in TEXTS[words].items():
            other = TEXTS["en" if words == "fr" else "fr"][key]
            assert set(re.findall(r"\{\w+\}", phrase)) == set(re.findall(r"\{\w+\}", other))


def test_no_french_line_begins_with_a_mark_or_a_unit():
    for phrase in TEXTS["fr"].values():
        assert not re.search(r" (?:[:;?!»€]|km\b)|« ", phrase)


def test_no_french_line_ends_before_a_distance():
    assert TEXTS["fr"]["away"] == "à\N{NO-BREAK SPACE}{distance}"


def test_what_is_counted_has_words_where_there_is_one():
    elsewhere = {"more_sessions": "one_more_session", "left": "last", "places": "one_place"}
    counted = {key for key, phrase in TEXTS["fr"].items() if "{n}" in phrase}
    below_two = {key for key in counted if key.endswith("_below_two")}
    counted -= below_two
    assert counted >= {"would_add", "found", "map", *elsewhere}
    for key in counted:
        assert "{n}" not in TEXTS["fr"][elsewhere.get(key, f"{key}_one")]
    # What can be none of it, or a part of one, is plural in English and singular in French.
    assert below_two == {f"{key}_below_two" for key in ("would_add", "bookings_made")}
    for key in below_two:
        plural = key.removesuffix("_below_two")
        assert TEXTS["en"][key] == TEXTS["en"][plural]
        assert TEXTS["fr"][key] != TEXTS["fr"][plural]


def test_every_text_that_is_asked_for_is_there():
    asked = set(re.findall(r'data-text="(\w+)"', (FOLDER / "index.html").read_text()))
    for script in SCRIPTS:
        asked |= set(re.findall(r'text\("(\w+)"', script.read_text()))
    assert asked <= TEXTS["fr"].keys()


def test_every_reason_and_note_has_words():
    codes = {f"reason_{code}" for code in REASONS} | {f"note_{code}" for code in NOTES}
    assert codes <= TEXTS["fr"].keys()


def told_by_rules():
    """The codes of all rules, and the names of the numbers told with them, from the source."""
    codes, numbers = set(), set()
    source = ast.parse(inspect.getsource(booking_rules)).body
    functions = [part for part in source if isinstance(part, ast.FunctionDef)]
    for node in (node for function in functions for node in ast.walk(function)):
        match node:
            # A code stands in the call, or in a table of rules that share one.
            case (
                ast.Call(func=ast.Name("RuleBroken"), args=[first, *_])
                | ast.Tuple(elts=[first, _, _, *_])
            ):
                numbers |= {word.arg for word in getattr(node, "keywords", ())}
                if isinstance(first, ast.Constant):
                    codes.add(first.value)
                elif isinstance(first, ast.JoinedStr):
                    template = ast.unparse(first)[2:-1]
                    codes |= {template.format(cap=cap) for cap in get_args(Cap) if cap != "none"}
    return codes, numbers


def test_every_rule_has_words():
    codes, numbers = told_by_rules()
    assert {"no_duo", "event_past", "credit", "digital_cap", "physical_cap", "state"} <= codes
    assert {f"rule_{code}" for code in codes} == {key for key in TEXTS["fr"] if "rule_" in key}
    for key, phrase in TEXTS["fr"].items():
        assert not key.startswith("rule_") or set(re.findall(r"\{(\w+)\}", phrase)) <= numbers


def test_every_state_and_cap_has_words():
    codes = {f"state_{state}" for state in get_args(State)}
    codes |= {f"cap_{cap}" for cap in get_args(Cap) if cap != "none"}
    assert codes | {"cancelled_by_venue"} <= TEXTS["fr"].keys()
    assert "venue" in get_args(CancelReason)
    page = (FOLDER / "index.html").read_text()
    assert set(re.findall(r'<option value="(\w+)" data-text="state', page)) == set(get_args(State))
