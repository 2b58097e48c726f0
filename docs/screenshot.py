"""Draw docs/agenda.png: the first page of the demo world, in a headless Chromium.

`make screenshot`, after `make demo SERVE=0`. Needs `chromium` on the path.
"""

import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import uvicorn

from reco.api.serve import DEMO
from reco.api.serving import application

_PICTURE = Path(__file__).with_name("agenda.png")


def main() -> None:
    """Serve the demo world for as long as the picture takes."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("Chromium is needed: sudo apt-get install chromium")
    os.environ[DEMO] = "1"
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application(), log_level="warning"))
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    serving.start()
    command = [
        browser,
        "--headless=new",
        "--no-sandbox",
        "--hide-scrollbars",
        "--lang=fr",
        "--accept-lang=fr",
        "--window-size=1200,900",
        "--virtual-time-budget=10000",
        f"--screenshot={_PICTURE}",
        f"http://127.0.0.1:{listening.getsockname()[1]}/",
    ]
    try:
        in_france = os.environ | {"TZ": "Europe/Paris"}
        subprocess.run(command, check=True, capture_output=True, env=in_france)  # noqa: S603
    finally:
        server.should_exit = True
        serving.join()


if __name__ == "__main__":
    main()
