"""The examples and README.md: they run, they print what they promise, and the pictures are today's."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from microgradx.__main__ import main

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
README = (ROOT / "README.md").read_text(encoding="utf-8")

#: Lines that each example must print
PROMISED = {
    "01_neuron": [
        "y = 0.7064",
        "dy/dw = +1.0019",
        "w + 0.001 moves y by 0.001001; the gradient foretold 0.001002",
    ],
    "02_accumulation": [
        "dL/dh = (dL/dL)·∂(h·p)/∂h + (dL/dp)·∂(h+1)/∂h = 1·7 + 6·1 = 13",
        "reverse topological          39     26",
        "breadth-first                21     14",
    ],
    "03_training_loop": [
        "step 300: loss 0.000000",
        "0 xor 0 = 0.00",
        "0 xor 1 = 1.00",
        "1 xor 0 = 1.00",
        "1 xor 1 = 0.00",
    ],
    "04_double_backward": [
        "derivative 5 of x**5 at 2: 120",
        "derivative 6 of x**5 at 2: 0",
        "step 6: x = 2.25000000, slope = 3.6e-10",
    ],
    "05_boolean_gates": [
        "and  learned     loss 0.028   sigmoid(+6.47 x1 +6.46 x2 -9.78)",
        "xor  not learned loss 0.693",
    ],
    "06_a_rule_of_your_own": [
        "y = 0.3162, y' = -0.9486, y'' = 2.2134",
        "x      1.5  −0.94859302",
        "dx = dv1*(-2*x*v1)",
    ],
    "07_find_bugs": [
        "autograd, after",
        "autograd  differs: d v2/dx1 has shape (2, 2, 2), it should be (2, 1)",
        "    v2 = np.where(x1 > -0.0, x0, x1)",
        "v1 = np.maximum(x0, x0)",
        "mygrad: 2000 programs in",
    ],
}
NEEDS = {"07_find_bugs": ("autograd", "mygrad")}


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("[0-9]*.py")} == set(PROMISED)


@pytest.mark.parametrize("name", PROMISED)
def test_example(name: str, tmp_path: Path) -> None:
    for library in NEEDS.get(name, ()):
        pytest.importorskip(library, reason=f"{library} is not installed: pip install '.[other-engines]'")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    start = time.perf_counter()
    done = subprocess.run([sys.executable, EXAMPLES / f"{name}.py"], capture_output=True, encoding="utf-8", check=False,
                          cwd=tmp_path, env=environment, timeout=60)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    printed = [line.rstrip() for line in done.stdout.splitlines()]
    for promised in PROMISED[name]:
        assert any(line.startswith(promised) for line in printed), f"{promised!r} is not in:\n{done.stdout}"
    assert time.perf_counter() - start < 20


# ---- README ----------------------------------------------------------------------------------------------
def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_readme_program_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    programs, outputs = blocks("python"), blocks("text")
    assert len(programs) == len(outputs) == 3
    for program, output in zip(programs, outputs, strict=True):
        exec(program, {})
        assert capsys.readouterr().out == output
    assert (tmp_path / "L.svg").is_file()


def rounded(output: str) -> str:
    """Without what depends on the machine: the size of rounding errors, and the spaces before it."""
    return re.sub(r" +[\d.]+e-\d+", " error", output).rstrip()


COMMANDS = [entry for block in blocks("console") for entry in block.split("$ microgradx ")[1:]]


@pytest.mark.parametrize("entry", COMMANDS, ids=[entry.partition("\n")[0] for entry in COMMANDS])
def test_readme_commands_print_what_it_says(entry: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, _, expected = entry.partition("\n")
    assert main(shlex.split(words)) == 0
    assert rounded(capsys.readouterr().out) == rounded(expected)


def test_readme_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert all((ROOT / link).exists() for link in links), links


def test_readme_map_names_every_module() -> None:
    modules = [path for package in ("microgradx", "viz") for path in (ROOT / package).glob("[!_]*.py")]
    assert [path for path in modules if f"({path.relative_to(ROOT).as_posix()})" not in README] == []


# ---- pictures --------------------------------------------------------------------------------------------
def content(svg: str) -> list[tuple[str, str, str]]:
    """What a picture shows, without where: coordinates, and the ids made from them, change with Graphviz.

    The last digits of a number change with the machine's mathematical library.
    """
    elements = [e for e in ET.fromstring(svg).iter() if not e.tag.endswith("style")]
    shown = [(e.tag, e.get("class", ""), e.text or "") for e in elements]
    return [(*where, re.sub(r"(\.\d{12})\d+", r"\1", text)) for *where, text in shown]  # type: ignore[misc]


def test_committed_pictures_are_what_is_drawn_today() -> None:
    drawn = {name: picture.svg() for name, picture in runpy.run_path(str(EXAMPLES / "pictures.py"))["pictures"]()}
    committed = {path.name: path.read_text(encoding="utf-8") for path in (EXAMPLES / "pictures").iterdir()}
    assert committed.keys() == drawn.keys()
    for name, svg in drawn.items():
        assert content(svg) == content(committed[name]), f"{name} is out of date: python examples/pictures.py"


def test_the_code_printed_for_a_bug_shows_it_alone() -> None:
    for library in NEEDS["07_find_bugs"]:
        pytest.importorskip(library, reason=f"{library} is not installed: pip install '.[other-engines]'")
    found = subprocess.run([sys.executable, EXAMPLES / "07_find_bugs.py"], capture_output=True, encoding="utf-8",
                           check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60).stdout  # fmt: skip
    programs = re.findall(r"^# (?:autograd|mygrad)\n(.*?)(?=\n\n(?:autograd|mygrad))", found, re.MULTILINE | re.DOTALL)
    assert len(programs) >= 4
    for program in programs:
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, encoding="utf-8",
                              check=False)  # fmt: skip
        assert "AssertionError" in done.stderr, program
