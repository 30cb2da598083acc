"""Chromium, spoken to over its own protocol: real clicks and keys, and what a page complains of or asks for."""

import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe")
PATIENCE = 120  # seconds to wait for an answer
# The browser reads commands from file descriptor 3 and answers on 4, wherever our ends of the pipes are.
LAUNCHER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
PLACE = """(() => {{
  const one = {};
  one.scrollIntoView({{block: 'center'}});
  return one.getBoundingClientRect().toJSON();
}})()"""
CHOOSE = """(() => {{
  const list = document.querySelector('select[name={}]');
  list.value = {!r};
  list.dispatchEvent(new Event('input', {{bubbles: true}}));
}})()"""
COLUMN = """(() => {{
  const table = document.querySelector('#patients table');
  const at = [...table.tHead.rows[0].cells].findIndex((cell) => cell.innerText === {!r});
  return [...table.tBodies[0].rows].map((row) => row.cells[at].innerText);
}})()"""


class Tab:
    """A page in the browser."""

    def __init__(self, profile: Path) -> None:
        theirs_in, self._commands = os.pipe()
        self._answers, theirs_out = os.pipe()
        launch = [sys.executable, "-c", LAUNCHER, str(theirs_in), str(theirs_out)]
        browse = [str(BROWSER), *OPTIONS, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            [*launch, *browse], pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._read, self._session, self._number = b"", None, 0
        self.events: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Page.setLifecycleEventsEnabled", enabled=True)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE)
            assert ready, f"no answer from {BROWSER} in {PATIENCE} seconds"
            self._read += os.read(self._answers, 1 << 16)
        message, self._read = self._read.split(b"\0", 1)
        return json.loads(message)

    def open(self, address: str) -> None:
        """Loads a page to its end; from a blank one, as a page that differs in its fragment alone is not loaded."""
        for url in ("about:blank", address):
            self.events.clear()
            loader = self.ask("Page.navigate", url=url)["loaderId"]
            while not any(_is_load(event, loader) for event in self.events):
                self.events.append(self._next())

    def value(self, expression: str) -> Any:
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, element: str) -> None:
        """Clicks where the element is seen."""
        box = self.value(PLACE.format(element))
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, **place)

    def type(self, element: str, text: str) -> None:
        self.click(element)
        self.ask("Input.insertText", text=text)

    def choose(self, title: str, value: str) -> None:
        """Chooses a value of a filter, whose list is drawn outside the page."""
        self.value(CHOOSE.format(title, value))

    def column(self, title: str) -> list[str]:
        """The cells of a column of the table of patients, as far as rows are drawn."""
        return self.value(COLUMN.format(title))

    @property
    def complaints(self) -> list[Any]:
        """Exceptions, errors and warnings that the page gave."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [event["params"] for event in self.events if event["method"] in kinds]

    @property
    def requests(self) -> list[str]:
        sent = [
            event["params"]["request"]["url"] for event in self.events if event["method"].endswith("requestWillBeSent")
        ]
        return [url for url in sent if not url.startswith("data:")]


def _is_load(event: dict[str, Any], loader: str) -> bool:
    own = {"loaderId": loader, "name": "load"}
    return event.get("method") == "Page.lifecycleEvent" and own.items() <= event["params"].items()


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab of a browser that is started once for all tests."""
    if BROWSER is None:
        pytest.skip("needs Chromium or Chrome to open the pages")
    tab = Tab(tmp_path_factory.mktemp("profile"))
    yield tab
    tab.close()
