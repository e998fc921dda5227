"""The command line, `microgradx` or `python -m microgradx`: draw, step, check, source, demo.

>>> main(["source", "h*h", "h=3"])
h = 3.0
<BLANKLINE>
# forward
v1 = h*h
<BLANKLINE>
# backward
dv1 = 1.0
dh = dv1*h + dv1*h
0
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import __version__
from .parse import ParseError, assignments, parse
from .program import Program
from .value import Value

__all__ = ["main"]

PICTURES = (".svg", ".png", ".pdf", ".dot")
FAILED, USAGE, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141  # the last two as a shell reports SIGINT and SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, 1 for a failed check or a file that cannot be written, 2 for wrong usage.

    Wrong options raise SystemExit(2), as argparse does.
    """
    if argv is None:
        _prepare_streams()
    try:
        arguments = _arguments(sys.argv[1:] if argv is None else argv)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except ParseError as error:
        return _fail(error, USAGE)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has seen enough, as in `microgradx step … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at exit
        return BROKEN_PIPE
    except (OSError, RuntimeError) as error:
        return _fail(error, FAILED)


def _prepare_streams() -> None:
    """A terminal without ∂ shows a ?, and a stream that was closed (`>&-`) swallows all, instead of a traceback."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="replace")


def _fail(error: Exception | str, code: int) -> int:
    what: object = error
    if isinstance(error, OSError) and error.filename:
        what = f"cannot write {error.filename}: {error.strerror}"
    print(f"microgradx: {what}", file=sys.stderr)
    return code


# ---- the commands ----------------------------------------------------------------------------------------
def _graph(arguments: argparse.Namespace) -> Value:
    return parse(arguments.expression, assignments(arguments.variables))


def _again(arguments: argparse.Namespace) -> Callable[[Mapping[str, float]], float] | None:
    """The expression's number at other numbers; None without comparisons, where the graph is all that it can be."""
    if not re.search("[<>]|[=!]=", arguments.expression):
        return None
    given = assignments(arguments.variables)
    return lambda numbers: parse(arguments.expression, given, numbers).data


def draw(arguments: argparse.Namespace) -> int:
    import viz

    if not arguments.output and sys.stdout.isatty():
        return _fail("say where the picture goes: -o neuron.svg, or -o - for this terminal", USAGE)
    root = _graph(arguments)
    root.backward()
    graph = viz.draw(root, direction=arguments.direction, local=arguments.local, theme=arguments.theme)
    if arguments.output in (None, "-"):
        sys.stdout.buffer.write(graph.svg().encode())
    else:
        graph.save(arguments.output)
        print(arguments.output)
    return 0


def _page(name: str) -> str:
    if not name.lower().endswith(".html"):
        raise argparse.ArgumentTypeError(f"a page's name ends in .html, got {name!r}; try walk.html")
    return name


def step(arguments: argparse.Namespace) -> int:
    import viz

    if arguments.why and (arguments.html or arguments.open):
        return _fail("--why prints a table; leave out --html and --open, whose page shows the orders too", USAGE)
    if arguments.open and not arguments.html:
        return _fail("--open shows a page; say where it is written: --html walk.html", USAGE)
    root = _graph(arguments)
    if arguments.why:
        print(viz.why_order(root))
    elif arguments.html:
        print(viz.step(root, again=_again(arguments)).save(arguments.html))
        if arguments.open:
            webbrowser.open(Path(arguments.html).resolve().as_uri())
    else:
        viz.step(root).play()
    return 0


def check(arguments: argparse.Namespace) -> int:
    import viz

    table = viz.check(_graph(arguments), again=_again(arguments))
    print(table)
    return 0 if table.ok else FAILED


def source(arguments: argparse.Namespace) -> int:
    print(Program.of(_graph(arguments)).source())
    return 0


def demo(arguments: argparse.Namespace) -> int:
    from . import demo

    demo.run(Path(arguments.directory))
    return 0


# ---- the words of a command line ---------------------------------------------------------------------------
# A word that begins with "-" and is none of these is an expression: -x*x
_OPTION = re.compile(r"-[ho]?|--([a-z][a-z-]*(=.*)?)?", re.DOTALL)

_EXPRESSION = """\
EXPR is in Python's notation: numbers, names, + - * / ** ( ), functions such as tanh(x), and
where(x > 0, a, b). Name its parts with ";": "h = a*b; p = h + 1; h*p". Quote it for the shell.
Each of its variables needs a number: x=2 w=-3 b=1e-3. After "--" nothing is an option.
"""
_NEURON = '"tanh(w*x + b)" x=2 w=-3 b=6.88'


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = _parser()
    words = [word if _OPTION.fullmatch(word) else f" {word}" if word.startswith("-") else word for word in argv]
    arguments, late = parser.parse_known_args(words)
    late = [word for word in late if word != "--"]
    if unknown := [word for word in late if word.startswith("-") or "variables" not in arguments]:
        parser.error(f"cannot use {' '.join(unknown)!r}; see microgradx {arguments.command} --help")
    if late:
        arguments.variables += late  # argparse takes no more of them after an option
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="microgradx", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Computation graphs and backpropagation to look at, step by step.",
        epilog=f"examples:\n  microgradx draw {_NEURON} -o neuron.svg\n  microgradx step {_NEURON}\n"
               "  microgradx demo\n\nexit codes: 0 done, 1 failed (a check, a file), 2 wrong usage",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"microgradx {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)

    def command(run: Callable[[argparse.Namespace], int], summary: str, *examples: str) -> argparse.ArgumentParser:
        name = run.__name__
        lines = "".join(f"\n  microgradx {name} {example}".rstrip() for example in examples)
        made = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog=(_EXPRESSION + "\n") * (run is not demo) + f"examples:{lines}",
        )  # fmt: skip
        made.set_defaults(run=run)
        if run is not demo:
            made.add_argument("expression", metavar="EXPR", help='such as "tanh(w*x + b)"')
            made.add_argument("variables", nargs="*", metavar="NAME=NUMBER", help="a number for each of its variables")
        return made

    made = command(draw, "draw the graph of an expression, with data and gradients",
                   f"{_NEURON} -o neuron.svg", '"a*a + a" a=3 --local -o square.png',
                   f"{_NEURON} --theme dark --direction TB > neuron.svg")  # fmt: skip
    made.add_argument("-o", "--output", metavar="FILE", type=_picture,
                      help="a .svg, .png, .pdf or .dot file; without it, or for -, SVG to the output")  # fmt: skip
    made.add_argument("--theme", choices=("auto", "light", "dark"), default="auto", help="auto follows the reader's")
    made.add_argument("--direction", choices=("LR", "RL", "TB", "BT"), default="LR", help="where the arrows point")
    made.add_argument("--local", action="store_true", help="write the local derivatives on the arrows")

    made = command(step, "walk through the forward and the backward pass, one operation at a time",
                   _NEURON, '"h = a*b; p = h + 1; h*p" a=2 b=3', '"h = a*b; p = h + 1; h*p" a=2 b=3 --why')  # fmt: skip
    made.add_argument("--why", action="store_true", help="instead: what other orders of the backward pass would give")
    made.add_argument("--html", metavar="FILE", type=_page, help="instead: write the walk as a page for a browser")
    made.add_argument("--open", action="store_true", help="with --html: show the page in a browser")

    command(check, "check each gradient against finite differences and the complex step",
            _NEURON, '"where(x > 0, x, 0.1*x)" x=-2')  # fmt: skip
    command(source, "print the forward and the backward pass as Python", _NEURON)
    made = command(demo, "train a small network, and write a page of pictures about it", "", "pictures")
    made.add_argument("directory", nargs="?", default="microgradx-demo", metavar="DIR", help="default: %(default)s")
    return parser


def _picture(path: str) -> str:
    if path != "-" and Path(path).suffix.lower() not in PICTURES:
        raise argparse.ArgumentTypeError(f"expected a file that ends in {', '.join(PICTURES)}, got {path!r}")
    return path


if __name__ == "__main__":
    sys.exit(main())
