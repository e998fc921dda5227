"""Takes the pictures of the page again: `python examples/screenshots.py` writes them into examples/screenshots/.

It needs Playwright and a Chromium on the PATH: `pip install playwright`.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from microgradx import Value
from microgradx.demo import two_moons
from microgradx.nn import MLP
from microgradx.optim import SGD
from viz.page import to_html
from viz.recording import record

DIRECTORY = Path(__file__).parent / "screenshots"


def pages() -> Iterator[tuple[str, str, str, str, tuple[int, int]]]:
    """(file name, page, its address, light or dark, size) of each."""
    a, b = Value(2.0, "a"), Value(3.0, "b")
    h = a * b
    p = h + 1
    L = h * p
    for node, label in ((h, "h"), (p, "p"), (L, "L")):
        node.label = label
    walk = to_html(L, title="A value that is used twice")
    yield "page-step.png", walk, "#step=6", "light", (1400, 820)
    yield "page-order.png", walk, "#step=7&tab=why", "light", (1400, 900)

    x, w, bias = Value(2.0, "x"), Value(-3.0, "w"), Value(6.88, "b")
    y = (w * x + bias).tanh()
    y.label = "y"
    yield "page-node.png", to_html(y, title="One neuron"), "#step=7&node=0&tab=node", "dark", (1400, 820)

    model = MLP(2, [8, 8, 1], seed=1337)
    points, labels = two_moons()
    optimizer, recording = SGD(model.parameters(), lr=1.0), record(model, points, labels, keep=4)
    for k in range(61):
        losses = [(1 - label * model(point)).relu() for point, label in zip(points, labels, strict=True)]
        loss = sum(losses) / len(points)
        optimizer.zero_grad()
        loss.backward()
        recording(loss)
        optimizer.lr = 1 - 0.9 * k / 61
        optimizer.step()
    yield "page-training.png", recording.to_html("Two moons, learned"), "#step=40", "light", (1400, 980)


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as scratch:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, page, address, scheme, (width, height) in pages():
            file = Path(scratch, "page.html")
            file.write_text(page, encoding="utf-8")
            tab = chromium.new_page(color_scheme=scheme, viewport={"width": width, "height": height})
            tab.goto(f"file://{file}{address}")
            if "tab=why" in address:
                tab.get_by_role("button", name="breadth-first").click()
            tab.screenshot(path=DIRECTORY / name)
            tab.close()
            print(DIRECTORY / name)
        chromium.close()
