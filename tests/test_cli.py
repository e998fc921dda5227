"""The command line: each command as a user runs it, and what it says to one who mistypes."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

import microgradx.demo
from microgradx.__main__ import main
from microgradx.demo import two_moons

NEURON = ["tanh(w*x + b)", "x=2", "w=-3", "b=6.88"]
REUSE = ["h = a*b; p = h + 1; L = h*p", "a=2", "b=3"]


#: A process of its own finds the checkout wherever it runs
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "PYTHONIOENCODING": "utf-8"}
COMMAND = [sys.executable, "-m", "microgradx"]


def microgradx_(*words: str, cwd: Path | None = None, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": encoding}
    return subprocess.run([*COMMAND, *words], capture_output=True, encoding=encoding, check=False, timeout=60,
                          cwd=cwd, env=environment)  # fmt: skip


def usage_error(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run in this process what must exit with 2; returns what it says."""
    try:
        code = main(words)
    except SystemExit as exit_:
        code = exit_.code  # type: ignore[assignment]
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    return err


# ---- each command in a process of its own ------------------------------------------------------------------
def test_draw_writes_a_picture(tmp_path: Path) -> None:
    done = microgradx_("draw", *NEURON, "-o", "neuron.svg", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "neuron.svg\n", "")
    text = (tmp_path / "neuron.svg").read_text(encoding="utf-8")
    shown = "".join(ET.fromstring(text).itertext())
    assert all(part in shown for part in ("tanh", "0.7064", "−1.503", "6.88"))  # data and gradients
    piped = microgradx_("draw", *NEURON)
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, text, "")


def test_step_prints_every_step_when_piped() -> None:
    done = microgradx_("step", *REUSE)
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("forward 1 of 3", "backward 4 of 4", "h receives", "was 7, add 6 → 13", "complete (2/2)", "39"):
        assert words in done.stdout
    assert "\x1b" not in done.stdout


def test_step_why_shows_what_other_orders_give() -> None:
    done = microgradx_("step", "--why", *REUSE)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"reverse topological +39 +26\n", done.stdout)
    assert re.search(r"breadth-first +21 +14\n", done.stdout)


def test_check_sets_each_gradient_beside_others() -> None:
    done = microgradx_("check", *NEURON)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("agrees") == 3
    assert re.search(r"^w .*1\.0019435 +1\.0019435 +1\.0019435", done.stdout, re.MULTILINE)


def test_source_prints_python_that_runs() -> None:
    done = microgradx_("source", *NEURON)
    assert (done.returncode, done.stderr) == (0, "")
    made: dict[str, float] = {}
    exec(done.stdout, made)
    assert made["dw"] == pytest.approx(1.0019435)


def test_wrong_usage_says_one_thing_and_exits_with_2() -> None:
    for words, says in [
        ((), "required: COMMAND"),
        (("drow", "x", "x=1"), "invalid choice: 'drow'"),
        (("draw",), "required: EXPR"),
        (("draw", *NEURON, "-o", "neuron.jpg"), "expected a file that ends in .svg, .png, .pdf, .dot, got 'neuron"),
        (("step", "tanh(", "x=1"), "'(' was never closed\n  tanh(\n      ^\n"),
        (("check", "x*y", "x=1"), "y has no value; give it one after the expression, such as y=1\n  x*y\n    ^\n"),
        (("source", "x", "x"), "expected NAME=NUMBER"),
    ]:
        done = microgradx_(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr
        assert "Traceback" not in done.stderr


def test_version_and_help() -> None:
    assert microgradx_("--version").stdout == f"microgradx {microgradx.__version__}\n"
    assert "examples:" in microgradx_("--help").stdout


# ---- usage, in this process --------------------------------------------------------------------------------
@pytest.mark.parametrize("command", ["draw", "step", "check", "source", "demo"])
def test_help_has_examples_that_are_true(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    with pytest.raises(SystemExit) as exit_:
        main([command, "--help"])
    assert exit_.value.code == 0
    _, examples = capsys.readouterr().out.split("examples:\n")
    monkeypatch.chdir(tmp_path)
    for line in examples.strip().splitlines():
        words = shlex.split(line)
        words = words[: words.index(">")] if ">" in words else words
        assert words[:2] == ["microgradx", command]
        if command != "demo":
            assert main(words[1:]) == 0, line


@pytest.mark.parametrize("expression", ["-x", "-x*x", "-x + 1", "--x*2", "-(x)", "-1*x", "-.5*x", "-o*x"])
def test_an_expression_may_begin_with_a_minus(expression: str, capsys: pytest.CaptureFixture[str]) -> None:
    variables = ["x=-2", "o=1"] if "o" in expression else ["x=-2"]
    for words in ([expression, *variables], ["--", expression, *variables]):
        assert main(["source", *words]) == 0
        assert "x = -2.0" in capsys.readouterr().out


def test_options_may_stand_anywhere(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = str(tmp_path / "product.dot")
    for words in (["-o", file, "a*b", "a=1", "b=-2"], ["a*b", "-o", file, "a=1", "b=-2"], ["a*b", "a=1", "--local",
                   "b=-2", "-o", file], ["a*b", "--direction=TB", "a=1", "-o", file, "--", "b=-2"]):  # fmt: skip
        assert main(["draw", *words]) == 0
        assert capsys.readouterr().out == f"{file}\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["draw", "x", "x=1", "--colour"], "cannot use '--colour'; see microgradx draw --help"),
        (["draw", "x", "x=1", "--theme", "pink"], "invalid choice: 'pink'"),
        (["draw", "x", "x=1", "--direction", "up"], "invalid choice: 'up'"),
        (["draw", "x", "x=1", "-o"], "expected one argument"),
        (["draw", "x", "x=1", "-o", "neuron"], "got 'neuron'"),
        (["step", "x", "x=1", "--wh"], "cannot use '--wh'"),
        (["step", "x", "x=1", "--open"], "say where it is written: --html walk.html"),
        (["step", "x", "x=1", "--why", "--html", "walk.html"], "leave out --html"),
        (["source", "w * x", "w=2"], "x has no value"),
        (["source", "w", "*", "x", "w=2", "x=3"], "expected NAME=NUMBER, such as x=2; put the expression in quotes"),
        (["source", "x", "x=1", "x=2"], "x is given twice"),
        (["source", "x", "x=one"], "expected a finite number for x"),
        (["source", "x", "x=1", "z=3"], "z is given but never used"),
        (["source", "__import__('os').system('true')"], "is not part of an expression"),
        (["source", "9**9**9**9*x", "x=1"], "a power this huge"),
        (["source", "(" * 100_000, "x=1"], "characters"),
        (["source", "\ud800x", "x=1"], "is not part of an expression"),
        (["demo", "here", "there"], "cannot use 'there'"),
    ],
)
def test_wrong_usage(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert says in usage_error(capsys, *words)


def test_no_picture_for_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert "-o neuron.svg" in usage_error(capsys, "draw", *NEURON)


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot"])
def test_draw_writes_what_the_suffix_says(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"neuron.{suffix}"
    assert main(["draw", *NEURON, "-o", str(file)]) == 0
    begins = {"svg": b"<", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}
    assert file.read_bytes().startswith(begins[suffix])


def test_what_cannot_be_written_exits_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = str(tmp_path / "missing" / "neuron.svg")
    assert main(["draw", *NEURON, "-o", missing]) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"microgradx: cannot write {missing}: No such file or directory\n")
    (tmp_path / "file").touch()
    assert main(["demo", str(tmp_path / "file")]) == 1
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("expression", "at", "says"),
    [
        ("where(x > 0, x, 0.1*x)", "0", "kink: slopes 0.1 and 1"),
        ("where(x > 0, x, 0.1*x)", "1e-9", "agrees"),
        ("where(x > 0, x*x, 0*x)", "0", "agrees"),
        ("where(x > 1, 3, x)", "1", "jump: values 1, 1 and 3"),
        ("where(x == 1, 3, x)", "1", "jump: values 1, 3 and 1"),
        ("where(x >= 1, 3, x)", "1", "jump: values 1, 3 and 3"),
        ("where(x <= 1, 3, x)", "1", "jump: values 3, 3 and 1"),
        ("y = 2; where(x*x > y, 3*x, x)", "1.4142135623730951", "jump: values 1.414, 4.243 and 4.243"),
        ("where(x > 0, x, -x) + where(x >= 0, x, -x)", "0", "kink: slopes −2 and 2"),
    ],
)
def test_a_condition_that_ties_is_checked_on_both_sides(
    expression: str, at: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", expression, f"x={at}"]) == 0
    assert re.search(rf"^x .* {re.escape(says)}$", capsys.readouterr().out, re.MULTILINE)


def test_the_page_checks_a_condition_on_both_sides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "walk.html"
    assert main(["step", "where(x > 0, x, 0.1*x)", "x=0", "--html", str(page)]) == 0
    assert '"verdict":"kink"' in page.read_text(encoding="utf-8")


def test_a_check_that_fails_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    from microgradx.rules import RULES, rule

    rule("half_wrong", lambda xp, x: x * x, lambda xp, y, x: x)  # the 2 is missing
    try:
        assert main(["check", "half_wrong(x)", "x=3"]) == 1
        assert "differs" in capsys.readouterr().out
        assert main(["check", "abs(x)", "x=0"]) == 0
        assert "kink" in capsys.readouterr().out
    finally:
        del RULES["half_wrong"]


# ---- terminals, pipes, signals -----------------------------------------------------------------------------
def test_a_reader_that_stops_early_hears_no_complaint() -> None:
    process = subprocess.Popen([*COMMAND, "step", "x" + "*x" * 300, "x=1"], env=ENVIRONMENT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    assert process.stdout
    assert process.stderr
    process.stdout.read(100)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 141


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_is_quiet(tmp_path: Path) -> None:
    process = subprocess.Popen([*COMMAND, "demo", str(tmp_path)], env=ENVIRONMENT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    assert process.stdout
    process.stdout.readline()  # the first step of the training
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_without_the_letters_gets_others(encoding: str) -> None:
    done = microgradx_("step", *NEURON, encoding=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tanh" in done.stdout


def test_import_microgradx_loads_numpy_and_nothing_else() -> None:
    code = "import sys; before = {*sys.modules}; import microgradx; print(*{*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    loaded = {name.split(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names
    assert {name for name in loaded if "cython" not in name} == {"microgradx", "numpy"}  # numpy.random brings Cython's


# ---- demo ------------------------------------------------------------------------------------------------
Demo = tuple[subprocess.CompletedProcess[str], Path, float]
FILES = {"index.html", "neuron.svg", "reuse.svg", "walk.txt", "walk.html", "network.svg", "loss-curve.svg",
         "decision-boundary.svg"}  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    pytest.importorskip("matplotlib")
    where = tmp_path_factory.mktemp("demo")
    start = time.perf_counter()
    return microgradx_("demo", cwd=where), where / "microgradx-demo", time.perf_counter() - start


def test_demo_trains_to_100_percent_within_a_minute(demo: Demo) -> None:
    done, _, seconds = demo
    assert (done.returncode, done.stderr) == (0, "")
    assert "accuracy: 100 % of the 100 training points" in done.stdout
    assert "step 100 of 100: loss 0.0" in done.stdout
    assert seconds < 60


def test_demo_prints_the_files_that_it_writes(demo: Demo) -> None:
    done, directory, _ = demo
    assert {path.name for path in directory.iterdir()} == FILES
    printed = [line for line in done.stdout.splitlines() if line.startswith("microgradx-demo")]
    assert {Path(line).name for line in printed} == FILES
    for file in FILES - {"index.html", "walk.txt", "walk.html"}:
        assert ET.parse(directory / file).getroot().tag.endswith("svg")


def test_demo_shows_the_folded_network_and_the_walk(demo: Demo) -> None:
    _, directory, _ = demo
    network = "".join(ET.parse(directory / "network.svg").getroot().itertext())
    assert "16 neurons" in network
    walk = (directory / "walk.txt").read_text(encoding="utf-8")
    assert "complete (2/2)" in walk
    assert "breadth-first" in walk
    assert "<title>" in (directory / "walk.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """Collects what the page refers to, and checks that its elements nest."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [str(given[key]) for key in ("href", "src") if key in given]
        if tag == "img":
            self.pictures.append(given)
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_demo_page_works_offline(demo: Demo) -> None:
    _, directory, _ = demo
    text = (directory / "index.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert set(page.links) == FILES - {"index.html"}
    assert all(picture["alt"] for picture in page.pictures)
    assert "prefers-color-scheme: dark" in text
    assert 'lang="en"' in text
    assert "<script" not in text


def test_demo_gives_the_same_bytes_in_every_run(demo: Demo, tmp_path: Path) -> None:
    _, directory, _ = demo
    assert microgradx_("demo", str(tmp_path)).returncode == 0
    for file in FILES:
        assert (tmp_path / file).read_bytes() == (directory / file).read_bytes(), file


def test_demo_without_matplotlib_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.setattr(microgradx.demo, "STEPS", 2)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "viz.plots", raising=False)
    assert main(["demo", str(tmp_path)]) == 0
    assert "pip install matplotlib" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"loss-curve.svg", "decision-boundary.svg"}
    assert "pip install matplotlib" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_demo_shows_a_progress_bar_in_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.setattr(microgradx.demo, "STEPS", 3)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["demo", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "3/3" in out
    assert "step   1" not in out


def test_two_moons() -> None:
    points, labels = two_moons()
    assert len(points) == len(labels) == 100
    assert sum(labels) == 0
    assert two_moons() == (points, labels)
    assert two_moons(seed=1)[0] != points
