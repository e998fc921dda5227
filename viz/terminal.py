"""The walk in a terminal: one step at a time, or printed whole.

>>> from microgradx.value import Value
>>> a, b = Value(2.0, label="a"), Value(3.0, label="b")
>>> h = a * b; p = h + 1; L = h * p
>>> steps = step(L, names=dict(h=h, p=p, L=L))
>>> len(steps)
7
>>> print(steps[5])
backward 3 of 4 · step 6 of 7
p = h+1 passes on dL/dp = 6, complete (1/1)
  h receives (dL/dp)·∂(h+1)/∂h = 6 × 1 = 6
    was 7, add 6 → 13, complete (2/2)
<BLANKLINE>
   node  op   data  gradient  reported
   a             2         —       0/1
   b             3         —       0/1
◂  h     a·b     6        13       2/2  ready
▸  p     h+1     7         6       1/1  ready
   L     h·p    42         1      root  ready
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, overload

from microgradx.program import Program, Ref, Root

from .check import Again, WhyOrder
from .explain import MOST, Line, Printed, Span, Table, explanation, line, plain, words
from .notation import bundle, norm, shape
from .page import iframe, to_html
from .trace import Step, Trace

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Frame", "Steps", "step"]

ROWS = 12  #: nodes in a step's table, on paper; the screen shows as many as fit
PAGE = 500  #: values that a notebook shows as a page; a larger one would swell the notebook's file
NOTEBOOK = 20  #: steps that a notebook shows of a walk that is only named there


def step(root: Root, names: Mapping[str, Any] | None = None, *, again: Again | None = None) -> Steps:
    """The walk through the graph below `root`, forward and backward: print it, index it, or `.play()` it.

    names: more labels, by variable name, as from `locals()`. The numbers are run again from the leaves'
    present data; the graph and its `.grad` are left alone. again: as in `check`, for the page's checks.
    Raises TypeError when root is not a node of a graph.
    """
    program = Program.of(root, names)
    walk = Trace.of(program)
    return Steps(program, walk, range(1, len(walk.steps) + 1), again)


# ---- one step on paper -----------------------------------------------------------------------------------
@dataclass(frozen=True, repr=False)
class Frame(Printed):
    """How things stand after a step: what it did, and the nodes. Number 0 is the start."""

    walk: Trace
    number: int

    @property
    def step(self) -> Step | None:
        return self.walk.steps[self.number - 1] if self.number else None

    def parts(self, rows: int = ROWS) -> list[Line | Table]:
        return [*self.words(), line(""), *self.table(rows)]

    def words(self, most: int = MOST) -> list[Line]:
        """What the step did; of its contributions about `most`."""
        count = len(self.walk.steps)
        if self.step is None:
            return [line(Span(f"start · {count} steps", "heading")), line("only the leaves have their numbers")]
        s, scope = self.step, self.walk.nodes[self.step.node].scope
        head = f"{s.direction} {s.position} of {s.count} · step {s.number} of {count}" + f" · {scope}" * bool(scope)
        return [line(Span(head, "heading")), *words(self.walk, s, most)]

    def table(self, rows: int = ROWS) -> list[Line | Table]:
        """The nodes, or those around this step where there are more than `rows`."""
        walk, total = self.walk, len(self.walk.nodes)
        here = self.step.node if self.step else -1
        receives = dict.fromkeys(c.parent for c in self.step.contributions) if self.step else {}
        shown = _around(here, [here, *receives, *_inputs(walk, self.step)], rows, total)
        found = []
        for i in shown:
            node, known = walk.nodes[i], walk.known(i, self.number)
            role = "constant" if node.grad is None else "root"
            found.append((
                Span("▸" if i == here else "◂" if i in receives else " ", "result" if receives else "data"),
                Span(_clipped(node.shown), "name", i),
                Span(_clipped(node.formula), "", i),
                Span(shape(known.data), "" if known.data is None else "data", i),
                Span(norm(known.grad), "" if known.grad is None else "result" if known.ready else "gradient", i),
                Span(f"{known.reported}/{known.uses}" if known.uses else role, "", i),
                Span("ready" if known.ready else "", "", i),
            ))  # fmt: skip
        data = max((shape(walk.nodes[i].data) for i in shown), key=len)
        grad = max((norm(walk.nodes[i].grad) for i in shown), key=len)
        table = Table(("", "node", "op", "data", "gradient", "reported", ""), tuple(found), "lllrrrl",
                      optional=(2, 6), room=("", "", "", data, grad, "", "ready"))  # fmt: skip
        hidden = total - len(shown)
        return [table, *[line(f"… and {hidden} more node{'s' * (hidden > 1)}")] * (hidden > 0)]


def _inputs(walk: Trace, s: Step | None) -> list[int]:
    inputs = walk.nodes[s.node].inputs if s else ()
    each = (x for given in inputs for x in (given if isinstance(given, tuple) else (given,)))
    return [x.index for x in each if isinstance(x, Ref)]


def _around(here: int, first: Sequence[int], rows: int, total: int) -> list[int]:
    """Up to `rows` of the numbers below `total`: the first ones, then the neighbours of `here`."""
    if total <= rows:
        return list(range(total))
    chosen = dict.fromkeys(i for i in first if i >= 0)
    for away in range(rows):
        chosen |= dict.fromkeys(i for i in (here - away, here + away) if 0 <= i < total)
    return sorted(list(chosen)[:rows])


def _clipped(text: str, most: int = 24) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


# ---- the walk --------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False, repr=False)
class Steps(Printed, Sequence[Frame]):
    """The steps of a walk, or a slice of them."""

    program: Program
    walk: Trace
    numbers: range
    again: Again | None = None  #: as in `check`

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> Steps: ...
    def __getitem__(self, index: int | slice) -> Frame | Steps:
        if isinstance(index, slice):
            return replace(self, numbers=self.numbers[index])
        if not -len(self) <= index < len(self):
            raise IndexError(f"expected a step from 0 to {len(self) - 1}, or −{len(self)} to −1, got {index}")
        return Frame(self.walk, self.numbers[index])

    @property
    def title(self) -> Line:
        nodes, backward = len(self.walk.nodes), self.walk.steps[-1].count
        forward = len(self.walk.steps) - backward
        what = f"{nodes} node{'s' * (nodes > 1)}, {forward} step{'s' * (forward != 1)} forward, {backward} backward"
        return line(f"{self.walk.root.shown}: {what}")

    def parts(self) -> list[Line | Table]:
        return [self.title, *(part for frame in self for part in (line(""), *frame.parts()))]

    def __repr__(self) -> str:
        return f"<walk of {plain([self.title])}: print() it, index it, .play() it>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        rest = f"\n\n… and {len(self) - NOTEBOOK} more steps: print() shows all" if len(self) > NOTEBOOK else ""
        texts = {"text/plain": lambda: str(self[:NOTEBOOK]) + rest}
        if len(self.program) <= PAGE:
            texts["text/html"] = lambda: iframe(to_html(self), self.program)
        return bundle(texts, include, exclude)

    @cached_property
    def why_order(self) -> WhyOrder:
        return WhyOrder.of(self.program)

    def save(self, path: str | Path) -> Path:
        """Write the walk as a page (.html) or as text (.txt) and return the path.

        Raises ValueError for any other suffix.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in (".html", ".txt"):
            raise ValueError(f"a walk is saved as .html or .txt, got {path.name!r}; give a name such as 'walk.html'")
        text = to_html(self) if suffix == ".html" else plain(self.parts()) + "\n"
        path.write_text(text, encoding="utf-8")
        return path

    def play(self, stdin: IO[str] | None = None, stdout: IO[str] | None = None) -> None:
        """Walk in a terminal: Enter next, b back, 5 jumps to step 5, ?h explains h, w shows the wrong orders, q quits.

        Where input or output is not a terminal, print every step. Colours unless NO_COLOR is set.
        """
        stdin, stdout = stdin or sys.stdin, stdout or sys.stdout
        if stdin.isatty() and stdout.isatty():
            try:
                _play(self, stdin, stdout)
            except KeyboardInterrupt:
                print(file=stdout)
        else:
            print(plain(_sayable(self.parts(), stdout)), file=stdout)


# ---- the screen ------------------------------------------------------------------------------------------
HELP = "Enter next · b back · 5 jump · ?h explain · w why this order · q quit"
ARROWS = re.compile(r"(\x1b[\[O][ABCD])+")  # up, down, right, left as a terminal sends them
STYLES = {  # blue forward, orange backward, as in the pictures; both can be read on black and on white
    "name": "bold", "data": "color(32)", "gradient": "color(166)", "result": "bold color(166)", "heading": "bold",
}  # fmt: skip


def _play(steps: Steps, stdin: IO[str], stdout: IO[str]) -> None:
    from rich.console import Console

    console = Console(file=stdout, highlight=False)
    start = Frame(steps.walk, max(steps.numbers.start - 1, 0))
    at, last = 0, len(steps)
    aside: Sequence[Line | Table] = []  # shown instead of the step, until the next Enter
    problem = ""
    while True:
        frame = steps[at - 1] if at else start
        _draw(console, frame, aside, [*[line(problem)] * bool(problem), line(HELP)])
        print("> ", end="", file=stdout, flush=True)
        answer = stdin.readline()
        command = answer.strip().lower()
        was_aside, aside, problem = bool(aside), [], ""
        if not answer:
            print(file=stdout)
            return
        if command == "q" or (not command and at == last and not was_aside):
            return
        if not command:
            at += not was_aside
        elif command == "b":
            at = max(at - 1, 0)
        elif ARROWS.fullmatch(answer.strip()):  # typed as text, since a line is read
            at += sum(-1 if arrow in "AD" else 1 for arrow in answer.strip()[2::3])
            at = min(max(at, 0), last)
        elif command == "w":
            aside = steps.why_order.parts()
        elif command[0] == "?":
            aside = _explained(steps.walk, answer.strip()[1:].strip())
        elif command.isdecimal() and int(command) <= last:
            at = int(command)
        else:
            problem = f"{command!r:.40} is none of these; the steps are 0 to {last}"


def _explained(walk: Trace, name: str) -> list[Line]:
    for node in walk.nodes:
        if name in (node.shown, node.name):
            return explanation(walk, node.index)
    return [line(f"no node is called {name!r:.40}; write a name of the table, such as ?{walk.root.shown}")]


def _draw(console: Console, frame: Frame, aside: Sequence[Line | Table], below: Sequence[Line]) -> None:
    """One screen: the step's words and as many nodes as fit, or what was asked for; then what stands below."""
    under = _written(console, below)
    for most in (MOST, 5, 4, 3):
        above = _written(console, aside or frame.words(most))
        if len(above) <= console.height // 2:
            break
    room = console.height - len(above) - len(under) - 5  # two gaps, the table's head and last line, the prompt
    table = [] if aside else ["", *_written(console, frame.table(max(room, 2)))]
    console.clear()
    for text in (*above, *table, "", *under):
        console.print(text, no_wrap=True, overflow="ellipsis", crop=True)


def _written(console: Console, parts: Iterable[Line | Table]) -> list[Any]:
    """Lines of coloured text, no wider than the screen; what is wrapped keeps its indent."""
    from rich.text import Text

    found = []
    for part in _sayable(parts, console.file):
        if isinstance(part, Table):
            found += [Text.assemble(*((s.text, STYLES.get(s.kind, "")) for s in x)) for x in part.lines(console.width)]
            continue
        text = Text.assemble(*((s.text, STYLES.get(s.kind, "")) for s in part))
        indent = len(text.plain) - len(text.plain.lstrip())
        for k, wrapped in enumerate(text[indent:].wrap(console, max(console.width - indent - 2, 10))):
            wrapped.rstrip()
            found.append(Text(" " * (indent + 2 * bool(k))) + wrapped)
    return found


_ASCII = str.maketrans({"∂": "d_", "·": "*", "×": "*", "→": "->", "—": "-", "−": "-", "▸": ">", "◂": "<", "…": "...",
                        "≤": "<=", "≥": ">=", "′": "'"})  # fmt: skip


def _sayable(parts: Iterable[Line | Table], file: IO[str]) -> Iterator[Line | Table]:
    """The parts in characters that the file's encoding has."""
    encoding = getattr(file, "encoding", None) or "utf-8"
    try:
        "".join(map(chr, _ASCII)).encode(encoding)
    except UnicodeEncodeError:
        pass
    else:
        yield from parts
        return

    def say(text: str) -> str:
        return text.translate(_ASCII).encode(encoding, "replace").decode(encoding)

    def row(spans: Iterable[Span]) -> Line:
        return tuple(replace(span, text=say(span.text)) for span in spans)

    for part in parts:
        if isinstance(part, Table):
            yield replace(part, head=tuple(map(say, part.head)), rows=tuple(map(row, part.rows)))
        else:
            yield row(part)
