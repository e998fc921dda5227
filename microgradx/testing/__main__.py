"""The commands of microgradx.testing: table, mutants, shrink, nightly, coverage. Each has its own --help.

>>> main(["table", "--checks", "0"])
Traceback (most recent call last):
SystemExit: 2
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

__all__ = ["main"]

#: Each command's module and function, which takes the arguments that are left and returns the exit code
COMMANDS = {
    "table": ("tables", "main", "what fixed tolerances miss, and this project's verdicts beside them"),
    "mutants": ("mutants", "main", "plant faults in every rule and in the sweep, and count those that are found"),
    "shrink": ("shrinking", "main", "plant faults and count the operations of the programs that Hypothesis shrinks to"),
    "nightly": ("corpus", "nightly", "run many random programs against their oracle"),
    "coverage": ("corpus", "coverage", "count the rules and pairs of rules that random programs reach"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, 1 where it found what it looks for, or 130 after Ctrl-C. Wrong usage raises
    SystemExit(2)."""
    parser = argparse.ArgumentParser("python -m microgradx.testing", description="Tests of the gradient tests.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, (_, _, what) in COMMANDS.items():
        commands.add_parser(name, help=what, add_help=False)
    arguments, rest = parser.parse_known_args(argv)
    module, function, _ = COMMANDS[arguments.command]
    try:
        code: int = getattr(import_module(f".{module}", __package__), function)(rest)
    except KeyboardInterrupt:
        exec("")  # Python would still die of an interrupt that a program's text had in exec, once it has left with 130
        print("stopped", file=sys.stderr)
        return 130  # as shells have it: 128 and the number of the signal
    return code


if __name__ == "__main__":
    sys.exit(main())
