"""A headless Chromium for the tests of the page: the system's own, driven by Playwright; without them they skip."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Where the system's Chromium is; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        give_up = pytest.fail if os.environ.get("MICROGRADX_BROWSER") == "required" else pytest.skip
        give_up(f"no Chromium on this machine: none of {', '.join(NAMES)} is on the PATH")
    return found


@contextmanager
def started() -> Iterator[Any]:
    """A running browser."""
    if os.environ.get("MICROGRADX_BROWSER") == "required":
        from playwright import sync_api as playwright
    else:
        playwright = pytest.importorskip(
            "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
        )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


class Page:
    """One page that is open, with what its console said and what it asked the network for."""

    def __init__(self, browser: Any, directory: Path, **context: Any) -> None:
        self.directory = directory
        self.context = browser.new_context(viewport={"width": 1400, "height": 900}, **context)
        self.tab = self.context.new_page()
        self.said: list[str] = []
        self.requests: list[str] = []
        self.tab.on("console", lambda message: self.said.append(message.text))
        self.tab.on("pageerror", lambda error: self.said.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))

    def open(self, html: str, address: str = "", name: str = "walk.html") -> Page:
        path = self.directory / name
        path.write_text(html, encoding="utf-8")
        self.tab.goto(f"file://{path}{address}")
        return self

    # ---- what a reader does and sees
    def part(self, name: str) -> Any:
        return self.tab.locator(f'[data-part="{name}"]')

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tab.keyboard.press(key)

    def until(self, text: str, part: str = "position") -> None:
        """Wait until a part's text begins so. (Waiting inside of the page would need eval, which its policy bars.)"""
        self.tab.locator(f'[data-part="{part}"]').filter(has_text=re.compile(f"^{text}")).first.wait_for(timeout=8_000)

    def point_at(self, selector: str) -> None:
        """Put the pointer on the middle of a path."""
        x, y = self.run("""(selector) => {
            const path = document.querySelector(selector);
            const at = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());
            return [at.x, at.y];
        }""", selector)  # fmt: skip
        self.tab.mouse.move(x, y)

    @property
    def position(self) -> str:
        return str(self.part("position").first.inner_text())

    def column(self, name: str) -> list[str]:
        """A column of the table of nodes."""
        return list(self.tab.locator(f".nodes td.{name}").all_inner_texts())

    def run(self, expression: str, argument: Any = None) -> Any:
        return self.tab.evaluate(expression, argument)

    def close(self) -> None:
        self.context.close()
