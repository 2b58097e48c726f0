"""A real browser for tests: chromedriver, spoken to by the W3C WebDriver protocol."""

import json
import re
import shutil
import subprocess
from contextlib import closing, contextmanager
from urllib.request import HTTPErrorProcessor, ProxyHandler, Request, build_opener

PROGRAMS = ("chromium", "chromedriver")
MISSING = ", ".join(name for name in PROGRAMS if shutil.which(name) is None)
"""What is not installed, for the reason of a skipped test; empty: nothing."""

WAIT_S = 60
WIDE = """
[...document.querySelectorAll('main *, header *')]
  .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => one.outerHTML.slice(0, 80))
"""
"""What stands out on the right of a page of a header and a main part."""
# As root there is no sandbox; nothing is asked of anybody but the page's own server.
_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--hide-scrollbars",
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_WAIT = """
const [given, done] = [[...arguments].slice(0, -1), [...arguments].at(-1)];
const condition = (...args) => (%s);
const look = () => {
  const found = condition(...given);
  if (!found) return;
  clearInterval(every);
  watch.disconnect();
  done(found);
};
const watch = new MutationObserver(look);
watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
const every = setInterval(look, 100);
look();
"""


class _Answers(HTTPErrorProcessor):
    """Errors are answers as well."""

    def http_response(self, request, response):
        return response


class Browser:
    """One window; every method raises `RuntimeError` with what the driver says."""

    def __init__(self, driver, language):
        self._driver = driver
        arguments = [*_OPTIONS, f"--lang={language}", f"--accept-lang={language}"]
        options = {"binary": shutil.which("chromium"), "args": arguments}
        wanted = {"goog:chromeOptions": options, "timeouts": {"script": WAIT_S * 1000}}
        wanted["goog:loggingPrefs"] = {"browser": "ALL"}
        made = _ask(f"{driver}/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"{driver}/session/{made['sessionId']}"

    def open(self, address):
        """Load a page, its scripts begun."""
        self._do("url", {"url": address})

    def resize(self, width, height):
        """Show the page as on a screen of that size, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._emulate("setDeviceMetricsOverride", size)

    @contextmanager
    def printing(self):
        """Show the page as it is printed, for as long as the block runs."""
        self._emulate("setEmulatedMedia", {"media": "print"})
        try:
            yield
        finally:
            self._emulate("setEmulatedMedia", {"media": ""})

    @contextmanager
    def elsewhere(self, zone):
        """Show the page as in another time zone, for as long as the block runs."""
        self._emulate("setTimezoneOverride", {"timezoneId": zone})
        try:
            yield
        finally:
            self._emulate("setTimezoneOverride", {"timezoneId": ""})

    def errors(self):
        """Return what the console has had to complain of since it was last asked."""
        entries = self._do("se/log", {"type": "browser"})
        return [one["message"] for one in entries if one["level"] == "SEVERE"]

    def click(self, selector):
        """Click the first element that matches, as a person would."""
        self._do(f"element/{self._find(selector)}/click", {})

    def press(self, selector, keys):
        """Type into an element."""
        self._do(f"element/{self._find(selector)}/value", {"text": keys})

    def type(self, keys):
        """Press and release one key after the other, wherever the focus is."""
        presses = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._do("actions", {"actions": [{"type": "key", "id": "keys", "actions": presses}]})

    def run(self, expression, *given):
        """Return the value of a JavaScript expression; `args` are what is given."""
        script = f"const args = [...arguments]; return ({expression});"
        return self._do("execute/sync", {"script": script, "args": list(given)})

    def wait(self, expression, *given):
        """Return the value of a JavaScript expression as soon as it is true."""
        script = _WAIT % expression
        try:
            return self._do("execute/async", {"script": script, "args": list(given)})
        except RuntimeError as error:
            raise AssertionError(f"not within {WAIT_S} s: {expression}") from error

    def close(self):
        """End the browser."""
        _ask(self._session, method="DELETE")

    def _emulate(self, command, params):
        self._do("goog/cdp/execute", {"cmd": f"Emulation.{command}", "params": params})

    def _find(self, selector):
        return self._do("element", {"using": "css selector", "value": selector})[_ELEMENT]

    def _do(self, command, body):
        return _ask(f"{self._session}/{command}", body)


@contextmanager
def browsing(language="en"):
    """A browser with a fresh profile, and its driver, for as long as the block runs."""
    with subprocess.Popen(
        [shutil.which("chromedriver"), "--port=0"], stdout=subprocess.PIPE, text=True
    ) as driver:
        try:
            ready = next(line for line in driver.stdout if "started successfully" in line)
            port = re.search(r"on port (\d+)", ready)[1]
            with closing(Browser(f"http://127.0.0.1:{port}", language)) as browser:
                yield browser
        finally:
            driver.terminate()


def _ask(address, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    # No proxy stands before this machine.
    opener = build_opener(ProxyHandler({}), _Answers())
    with opener.open(Request(address, data, method=method), timeout=2 * WAIT_S) as response:
        value = json.load(response)["value"]
    if isinstance(value, dict) and "error" in value:
        raise RuntimeError(f"{value['error']}: {value['message']}")
    return value
