"""The walk on paper and on the screen, played with scripted keys and in a real terminal."""

from __future__ import annotations

import io
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import viz
from microgradx.nn import MLP
from microgradx.value import Value
from viz.explain import cells
from viz.terminal import Frame, Steps

CLEAR = "\x1b[2J\x1b[H"


def steps() -> Steps:
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    h = a * b
    p = h + 1
    L = h * p
    return viz.step(L, names={"h": h, "p": p, "L": L})


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def __init__(self, text: str = "", encoding: str = "utf-8") -> None:
        super().__init__(text)
        self.says = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.says

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "30"}.items():
        monkeypatch.setenv(name, value)


def played(keys: str, walk: Steps | None = None, **screen: Any) -> list[str]:
    """The screens that these keys lead through."""
    stdout = Screen(**screen)
    (walk or steps()).play(Screen(keys), stdout)
    return stdout.getvalue().split(CLEAR)[1:]


def without_bold(screen: str) -> str:
    return screen.replace("\x1b[1m", "").replace("\x1b[0m", "")


# ---- on paper -------------------------------------------------------------------------------------------
def test_a_step() -> None:
    assert str(steps()[4]).splitlines() == [
        "backward 2 of 4 · step 5 of 7",
        "L = h·p passes on dL/dL = 1",
        "  h receives (dL/dL)·∂(h·p)/∂h = 1 × p = 1 × 7 = 7",
        "    was —, add 7 → 7, uses reported 1/2",
        "  p receives (dL/dL)·∂(h·p)/∂p = 1 × h = 1 × 6 = 6",
        "    was —, add 6 → 6, complete (1/1)",
        "",
        "   node  op   data  gradient  reported",
        "   a             2         —       0/1",
        "   b             3         —       0/1",
        "◂  h     a·b     6         7       1/2",
        "◂  p     h+1     7         6       1/1  ready",
        "▸  L     h·p    42         1      root  ready",
    ]


def test_a_step_forward_shows_only_what_is_known() -> None:
    assert str(steps()[0]).splitlines() == [
        "forward 1 of 3 · step 1 of 7",
        "h = a·b = 2·3 = 6",
        "",
        "   node  op   data  gradient  reported",
        "   a             2         —       0/1",
        "   b             3         —       0/1",
        "▸  h     a·b     6         —       0/2",
        "   p     h+1     —         —       0/1",
        "   L     h·p     —         —      root",
    ]


def test_steps_are_a_sequence() -> None:
    walk = steps()
    assert len(walk) == len(list(walk)) == 7
    assert walk[-1] == walk[6] == Frame(walk.walk, 7)
    assert [frame.number for frame in walk[3:5]] == [4, 5]
    assert len(walk[::2][1:]) == 3
    assert walk[1] in walk
    assert str(walk).startswith("L: 5 nodes, 3 steps forward, 4 backward\n\nforward 1 of 3 · step 1 of 7\n")
    assert str(walk).count("step ") == 7
    assert str(walk[5:]).count("\nbackward") == 2


@pytest.mark.parametrize("index", [7, -8, 100])
def test_a_step_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError, match=f"expected a step from 0 to 6, or −7 to −1, got {index}"):
        steps()[index]


def test_the_scope_is_named() -> None:
    walk = viz.step(MLP(2, [3, 1])([Value(1.0), Value(2.0)]))
    assert str(walk[0]).splitlines()[0] == f"forward 1 of 7 · step 1 of {len(walk)} · layers.0.neurons.0"


def test_a_large_graph_shows_the_nodes_around_the_step() -> None:
    x = Value(1.0, label="x")
    y = x
    for _ in range(999):
        y = y + x
    walk = viz.step(y)
    middle = str(walk[500]).splitlines()
    assert middle[-1] == "… and 988 more nodes"
    names = ["x", *(f"v{k}" for k in range(496, 501)), "▸", *(f"v{k}" for k in range(502, 507))]
    assert [text.split()[0] for text in middle[4:-1]] == names
    assert len(str(walk)) < 2_000_000


def test_in_a_notebook_and_at_the_prompt() -> None:
    walk = steps()
    assert walk._repr_mimebundle_()["text/plain"] == str(walk)
    assert repr(walk) == "<walk of L: 5 nodes, 3 steps forward, 4 backward: print() it, index it, .play() it>"
    assert walk[0]._repr_mimebundle_() == {"text/plain": str(walk[0])}
    for shown in (walk, walk[0], viz.draw(walk.program), viz.animate(walk.program), walk.why_order):
        assert list(shown._repr_mimebundle_(include={"text/plain"}, exclude=set())) == ["text/plain"]
        assert "text/plain" not in shown._repr_mimebundle_(exclude=["text/plain"])
    y = Value(1.0)
    for _ in range(50):
        y = y + 1
    assert viz.step(y)._repr_mimebundle_()["text/plain"].endswith("… and 81 more steps: print() shows all")


def test_save(tmp_path: Path) -> None:
    path = steps().save(tmp_path / "walk.txt")
    assert path == tmp_path / "walk.txt"
    assert path.read_text(encoding="utf-8") == str(steps()) + "\n"


def test_save_as_a_page(tmp_path: Path) -> None:
    page = steps().save(tmp_path / "walk.HTML").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<iframe" in steps()._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("name", ["walk.pdf", "walk", "walk.svg"])
def test_save_as_something_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"saved as .html or .txt, got '{name}'"):
        steps().save(tmp_path / name)
    assert not list(tmp_path.iterdir())


# ---- on the screen --------------------------------------------------------------------------------------
START, END = "start · 7 steps", "backward 4 of 4 · step 7 of 7"


def test_enter_goes_through_all_steps_and_out() -> None:
    heads = [without_bold(screen.splitlines()[0]) for screen in played("\n" * 20)]
    assert len(heads) == 8
    assert (heads[0], heads[-1]) == (START, END)


@pytest.mark.parametrize(
    ("keys", "last"),
    [
        ("q\n", START), ("Q\n", START), ("", START), ("b\nb\nq\n", START), ("7\n0\n", START), ("\nb", START),
        ("\n\nb\nq\n", "forward 1 of 3 · step 1 of 7"), ("5\nq\n", "backward 2 of 4 · step 5 of 7"),
        ("5\nw\n\nq\n", "backward 2 of 4 · step 5 of 7"), ("5\n99\nq\n", "backward 2 of 4 · step 5 of 7"),
        ("5\n?h\n\n\nq\n", "backward 3 of 4 · step 6 of 7"),
        ("\x1b[C\n\x1bOC\x1b[B\nq\n", "forward 3 of 3 · step 3 of 7"),
        ("5\n\x1b[D\x1b[A\nq\n", "forward 3 of 3 · step 3 of 7"), ("\x1b[D\nq\n", "start · 7 steps"),
    ],
)  # fmt: skip
def test_keys(monkeypatch: pytest.MonkeyPatch, keys: str, last: str) -> None:
    monkeypatch.setenv("TERM", "dumb")  # one screen after the other, no colour
    stdout = Screen()
    steps().play(Screen(keys), stdout)
    lines = stdout.getvalue().replace("> ", "").splitlines()
    assert [text for text in lines if text.startswith(("start", "forward", "back"))][-1] == last


def test_asides_and_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screens = [without_bold(screen) for screen in played("w\n\n?h\n\n?nobody\n\nwhat\n")]
    assert "recurse into every input     60     40" in screens[1]
    assert START in screens[2]
    assert "use 2, in p = h+1: was 7, add 6 → 13, complete (2/2)" in screens[3]
    assert "no node is called 'nobody'; write a name of the table, such as ?L" in screens[5]
    assert "'what' is none of these; the steps are 0 to 7" in screens[7]


def test_ctrl_c_leaves_without_a_traceback() -> None:
    class Interrupted(Screen):
        def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
            raise KeyboardInterrupt

    stdout = Screen()
    steps().play(Interrupted(), stdout)
    assert stdout.getvalue().endswith("> \n")


@pytest.mark.parametrize("which", ["stdin", "stdout"])
def test_without_a_terminal_every_step_is_printed(which: str) -> None:
    stdin, stdout = (io.StringIO(), Screen()) if which == "stdin" else (Screen(), io.StringIO())
    steps().play(stdin, stdout)
    assert stdout.getvalue() == str(steps()) + "\n"


def test_colours_and_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[38;5;166m" in played("5\n")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[38" not in "".join(played("5\n"))


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize("keys", ["5\n", "w\n", "?h\n"])
def test_nothing_is_wider_than_the_screen(monkeypatch: pytest.MonkeyPatch, columns: int, keys: str) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")
    stdout = Screen()
    steps().play(Screen(keys), stdout)
    assert max(cells(text) for text in stdout.getvalue().splitlines()) <= columns
    assert "…" not in stdout.getvalue()


@pytest.mark.parametrize("height", [20, 24, 50])
def test_a_large_graph_fits_the_screen(monkeypatch: pytest.MonkeyPatch, height: int) -> None:
    monkeypatch.setenv("LINES", str(height))
    walk = viz.step(MLP(2, [4, 4, 1], activation="tanh")([Value(1.0), Value(2.0)]))
    screen = played(f"{len(walk)}\n", walk)[1]
    assert len(screen.splitlines()) <= height
    assert "more nodes" in screen


def test_an_encoding_without_the_signs() -> None:
    screen = played("5\n", encoding="ascii")[1]
    assert screen.isascii()
    assert "(dL/dL)" in screen
    assert "*d_(h*p)/d_h" in screen
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    steps().play(io.StringIO(), out)
    out.seek(0)
    assert "d_(h*p)/d_h = 1 * p = 1 * 7 = 7\n    was -, add 7 -> 7" in out.read()


def test_a_slice_is_played_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert [without_bold(screen.splitlines()[0]) for screen in played("\n\n\n\n", steps()[3:5])] == [
        "forward 3 of 3 · step 3 of 7", "backward 1 of 4 · step 4 of 7", "backward 2 of 4 · step 5 of 7",
    ]  # fmt: skip


SCRIPT = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # the terminal that Ctrl-C comes from
from microgradx.value import Value
import viz
a, b = Value(2.0, label="a"), Value(3.0, label="b")
h = a * b
viz.step(h * (h + 1), names={"h": h}).play()
print("after the walk")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("leave", [b"q\n", b"\x03", b"\x04"], ids=["q", "Ctrl-C", "Ctrl-D"])
def test_in_a_real_terminal(leave: bytes) -> None:
    import pty

    master, slave = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(viz.__file__).parents[1]), "PYTHONIOENCODING": "utf-8"}
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    unread = b""

    def wait_for(text: str) -> str:
        """What the terminal shows until and with the text."""
        nonlocal unread
        while text.encode() not in unread:
            assert select.select([master], [], [], 20)[0], f"{text!r} did not come, but {unread!r}"
            unread += os.read(master, 10_000)
        shown, _, unread = unread.partition(text.encode())
        return shown.decode() + text

    try:
        assert "start · 7 steps" in wait_for("\n> ")
        os.write(master, b"5\n")
        assert "uses reported 1/2" in wait_for("\n> ")
        os.write(master, leave)
        assert "Traceback" not in wait_for("after the walk")
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.wait()
        os.close(master)
