"""The first page: everything it names exists, nothing comes from elsewhere, two full languages."""

import json
import re
from pathlib import Path

import pytest

from reco.api.pages import FOLDER
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


def test_every_text_that_is_asked_for_is_there():
    asked = set(re.findall(r'data-text="(\w+)"', (FOLDER / "index.html").read_text()))
    for script in SCRIPTS:
        asked |= set(re.findall(r'text\("(\w+)"', script.read_text()))
    assert asked <= TEXTS["fr"].keys()


def test_every_reason_and_note_has_words():
    codes = {f"reason_{code}" for code in REASONS} | {f"note_{code}" for code in NOTES}
    assert codes <= TEXTS["fr"].keys()
