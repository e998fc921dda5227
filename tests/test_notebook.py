"""`%load_ext viz`, in a real IPython shell."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("IPython")

from IPython.core.interactiveshell import InteractiveShell

import microgradx as mg
from microgradx.value import Value
from viz import notebook

FORMAT = notebook.FORMAT


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setattr(sys, "displayhook", sys.displayhook)
    found = InteractiveShell()
    found.history_manager.enabled = False
    yield found
    found.history_manager.end_session()
    found.atexit_operations()
    atexit.unregister(found.atexit_operations)


def shows(shell: Any, shown: Any) -> dict[str, str]:
    bundle, _ = shell.display_formatter.format(shown)
    return dict(bundle)


def small() -> Value:
    return Value(2.0, label="a") * 3


def chain(operations: int) -> Value:
    x = Value(1.0)
    for _ in range(operations):
        x = x + 1
    return x


def test_a_value_draws_itself_while_the_extension_is_loaded(shell: Any) -> None:
    assert list(shows(shell, small())) == ["text/plain"]
    shell.run_line_magic("load_ext", "viz")
    bundle = shows(shell, small())
    assert bundle[FORMAT].startswith("<svg")
    assert "Graph of L: 2 values" in bundle[FORMAT]
    assert bundle["text/plain"] == repr(small())
    shell.run_line_magic("unload_ext", "viz")
    assert list(shows(shell, small())) == ["text/plain"]


def test_a_cell_that_ends_in_a_value_shows_its_picture(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[dict[str, str]] = []
    monkeypatch.setattr(shell.displayhook, "write_format_data", lambda data, *_: published.append(data))
    result = shell.run_cell("%load_ext viz\nfrom microgradx import Value\nValue(2.0) * Value(3.0)")
    assert result.success
    assert [sorted(data) for data in published] == [[FORMAT, "text/plain"]]


def test_leaves_and_large_graphs_only_print(shell: Any) -> None:
    notebook.load_ipython_extension(shell)
    assert FORMAT in shows(shell, chain(notebook.MOST - 1))
    for shown in (Value(2.0), chain(notebook.MOST), chain(20_000), mg.tensor([1.0]), mg.nn.Parameter(mg.ones(2))):
        assert list(shows(shell, shown)) == ["text/plain"]


def test_a_tensor_draws_itself(shell: Any) -> None:
    notebook.load_ipython_extension(shell)
    y = (mg.tensor([1.0, 2.0], requires_grad=True) * 2).sum()
    bundle = shows(shell, y)
    assert "Graph of L: " in bundle[FORMAT]
    assert bundle["text/plain"] == repr(y)


def test_no_display_ever_fails(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.load_ipython_extension(shell)
    for shown in (mg.tensor(2.0, requires_grad=True) * 2, Value(float("nan")) * 2, Value(1.0, "</svg><script>") * 2):
        assert "text/plain" in shows(shell, shown)
    assert "Traceback" not in "".join(capsys.readouterr())


def test_what_was_registered_before_comes_back(shell: Any) -> None:
    formatter = shell.display_formatter.formatters[FORMAT]
    formatter.for_type(Value, lambda value: "<svg>mine</svg>")
    before = dict(formatter.type_printers)
    for _ in range(2):  # loading twice is loading once
        notebook.load_ipython_extension(shell)
    assert shows(shell, small())[FORMAT] != "<svg>mine</svg>"
    notebook.unload_ipython_extension(shell)
    assert formatter.type_printers == before
    assert shows(shell, small())[FORMAT] == "<svg>mine</svg>"


def test_nothing_else_is_registered(shell: Any) -> None:
    def everything() -> list[dict[Any, Any]]:
        formatters = shell.display_formatter.formatters.values()
        return [{**f.type_printers, **f.deferred_printers, **f.singleton_printers} for f in formatters]

    import viz  # noqa: F401

    before = everything()
    notebook.load_ipython_extension(shell)
    new = [set(now) - set(then) for now, then in zip(everything(), before, strict=True)]
    assert [kinds for kinds in new if kinds] == [{Value, mg.Tensor}]
    notebook.unload_ipython_extension(shell)
    assert everything() == before
