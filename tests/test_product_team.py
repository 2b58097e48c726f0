"""What the README tells the product team to run is run, and its two pages are looked at."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from webdriver import MISSING, WIDE, browsing

from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from training.commands.simulate import this_monday
from training.commands.train import train_world
from training.report.definitions import HEADLINE
from training.simulate.world import simulate_world

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}"),
]

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
MEETUP = ROOT.parent / "shared" / "data" / "meetup_montana"

SMALLER = {"evaluate": "--users 150", "report": "--json report.json"}
"""Options beside those of the README: fewer people, and the same as data."""

LARGE = "[...document.querySelectorAll('#headline .big strong data')].map(one => Number(one.value))"
LEAD = "document.querySelector('.lead').textContent"
PLAIN = "[...document.querySelectorAll('#plain li')].map((one) => one.textContent)"
CURVE = "document.querySelectorAll('#calibration svg').length"


def lines_of(block):
    """Return the lines of a block as they are run from elsewhere, on fewer people."""
    program = f"{Path(sys.executable).parent}/reco"
    for line in block.splitlines():
        told = line.replace(".venv/bin/reco", program).replace("../shared", f"{ROOT.parent}/shared")
        command = re.search(r"bin/reco (?:--world \w+ )?(\w+)", line)
        yield f"{told} {SMALLER.get(command[1], '')}" if command else told


def run(blocks, world, folder):
    """Run blocks of the README in a shell of their own; `report.json` is then in `folder`."""
    script = "\n".join(line for block in blocks for line in lines_of(block))
    done = subprocess.run(
        ["bash", "-euc", script], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "RECO_HOME": str(world.folder), "RECO_DATABASE_URL": world.conninfo,
             "RECO_WORLD": "demo"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def browser():
    with browsing() as browser:
        yield browser


def look_at(browser, page, told):
    """Hold a page against its data, on a phone and on a desk."""
    found = told["summary"]["systems"][told["beside"]]["metrics"]
    n = told["manifest"]["n"]
    headline = [found[f"{name}@{n}"]["value"] for name in HEADLINE]
    assert headline[0] > 0.0
    assert headline[-1] > 0.0
    for width in (390, 1280):
        browser.resize(width, 900)
        browser.open(page.as_uri())
        assert browser.run("document.documentElement.scrollWidth") == width
        assert browser.run(WIDE) == []
        assert browser.run(LARGE) == headline
        assert browser.run(LEAD) == told["lead"]["text"]
        assert browser.run(PLAIN).count(told["served"]["told"]["text"]) == 1
        assert browser.run(CURVE) > 0
    assert browser.errors() == []


@pytest.mark.timeout(600)
def test_a_demo_world(new_world, tmp_path, browser):
    world = new_world()
    # Made four weeks ago: what is on record ends there.
    simulate_world("demo", 1, this_monday() - timedelta(weeks=4), world.frames, lambda *_: None)
    import_frames(world, FolderSource(world.frames), lambda *_: None)
    now = datetime.now(UTC)
    train_world(world, "popularity", split="time", cutoff=None, now=now)
    blocks = [block for block in BLOCKS if " evaluate " in block and "--world" not in block]
    assert len(blocks) == 1
    told = run(blocks, world, tmp_path)
    # What is served has seen all weeks; its stand-in is trained by the lines themselves.
    assert told["served"]["standing"] == "has seen the weeks"
    look_at(browser, tmp_path / "report.html", told)


@pytest.mark.timeout(600)
@pytest.mark.skipif(not MEETUP.is_dir(), reason=f"no {MEETUP}")
def test_montana(new_world, tmp_path, browser):
    lines = [line for block in BLOCKS for line in block.splitlines()
             if re.search(r"--world montana (import|train|evaluate|report)", line)]  # fmt: skip
    assert [re.search(r"montana (\w+)", line)[1] for line in lines] == [
        "import", "train", "evaluate", "report",
    ]  # fmt: skip
    told = run(["\n".join(lines)], new_world(), tmp_path)
    assert told["served"]["standing"] == "first"
    look_at(browser, tmp_path / "montana.html", told)
