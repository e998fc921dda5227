"""The backward pass at a million nodes, under Ctrl-C and in threads; and that graphs are freed at once."""

from __future__ import annotations

import gc
import linecache
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from microgradx import graph, value, vectors
from microgradx.dot import dot
from microgradx.nn import MLP, rows
from microgradx.transforms import grad
from microgradx.value import Value


# ---- size and memory -------------------------------------------------------------------------------------
def chain(length: int) -> tuple[Value, Value]:
    x = y = Value(1.0)
    for _ in range(length):
        y = y + 1.0
    return x, y


def test_a_chain_of_a_million_nodes() -> None:
    x, y = chain(1_000_000)
    y.backward()
    assert (y.data, x.grad) == (1_000_001.0, 1.0)
    del y
    assert x.grad == 1.0


def test_a_node_takes_less_than_a_kilobyte() -> None:
    tracemalloc.start()
    _, y = chain(10_000)
    y.backward()
    assert tracemalloc.get_traced_memory()[1] < 10_000 * 1024
    tracemalloc.stop()


class Mark:
    """Something that a node holds, to see when the node goes."""


@pytest.mark.parametrize("second_order", [False, True])
def test_a_graph_goes_with_its_root_without_the_garbage_collector(second_order: bool) -> None:
    gc.collect()
    gc.disable()
    try:
        x, y = chain(100_000)
        h = dot([x, y], [y, 1.0]).tanh() * x
        y.mark = Mark()
        gone = weakref.ref(y.mark)
        if second_order:
            h = grad(grad(h, x, create_graph=True), x, create_graph=True)
        h.backward()
        del y, h
        assert gone() is None
        assert x.grad is not None
        del x
        assert gc.collect() == 0  # nothing was left in a cycle
    finally:
        gc.enable()


# ---- when something goes wrong ---------------------------------------------------------------------------
def interrupted_at(line: int, call: Callable[[], Any]) -> bool:
    """Run `call` with Ctrl-C at its line-th line in the files of a sweep; whether it came to that."""
    left = line

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in {module.__file__ for module in (graph, rows, value, vectors)}:
            return None
        # Python itself delivers no Ctrl-C at a `try:`, nor between the end of a block and its __exit__ or `finally`
        if event == "line" and not linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith(
            ("with ", "try:", "leave(")
        ):
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False


def free() -> bool:
    """Whether another thread can run a backward pass, or one that was interrupted still bars it."""
    thread = threading.Thread(target=lambda: (Value(1.0) * 2).backward(), daemon=True)
    thread.start()
    thread.join(5)
    return not thread.is_alive()


each_pass = pytest.mark.parametrize(
    "call",
    [lambda y, x: y.backward(), lambda y, x: grad(y, x), lambda y, x: grad(y, x, create_graph=True)],
    ids=["backward", "grad", "create_graph"],
)


@each_pass
def test_an_interrupt_anywhere_leaves_all_gradients_or_none(call: Any) -> None:
    a, b = Value(2.0), Value(3.0)
    y = dot([a, b], [b, a]) * a.tanh() + a
    line, before = 0, (10.0, 20.0)
    while True:
        a.grad, b.grad = before
        line += 1
        happened = interrupted_at(line, lambda: call(y, a))
        if not happened:
            break
        assert free(), line
        assert (a.grad, b.grad) in (before, (before[0] + grad(y, a).data, before[1] + grad(y, b).data)), line
    assert line > 50


@each_pass
def test_an_interrupt_in_a_network_does_no_harm(call: Any) -> None:
    model = MLP(1, [2, 1], activation="tanh", seed=0)
    x = Value(0.5)
    leaves = [x, *model.parameters()]
    once = [g.data for g in grad(model([x]), leaves)]
    line, happened = 0, True
    while happened:
        line += 1
        for leaf in leaves:
            leaf.grad = 10.0
        y = model([x])
        happened = interrupted_at(line, lambda y=y: call(y, x))
        if happened:
            found = [leaf.grad for leaf in leaves]
            assert found in ([10.0] * len(leaves), [10.0 + g for g in once]), line
            y.backward()
            assert [leaf.grad for leaf in leaves] == pytest.approx([f + g for f, g in zip(found, once, strict=True)])
    assert line > 100


def test_threads_add_to_shared_parameters() -> None:
    w, b = Value(2.0), Value(1.0)

    def work() -> None:
        for k in range(200):
            ((w * float(k % 7) + b) * 2).backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert (w.grad, b.grad) == (4 * 2 * sum(k % 7 for k in range(200)), 4 * 2 * 200)


def test_grad_beside_backward_in_another_thread_loses_nothing() -> None:
    x = Value(1.0)
    y, stop = x, threading.Event()
    for _ in range(300):
        y = y + x
    z = y * x

    def ask() -> None:
        while not stop.is_set():
            grad(z, x)

    beside = threading.Thread(target=ask)
    beside.start()
    for _ in range(100):
        y.backward()
    stop.set()
    beside.join()
    assert x.grad == 100 * 301
