"""A chain of a million additions, and what a node weighs: `python tests/bench/long_chain.py`."""

import time
import tracemalloc

from microgradx import Value

N = 1_000_000


def chain(n: int) -> tuple[Value, Value]:
    x = Value(1.0)
    y = x
    for _ in range(n):
        y = y + x
    return x, y


def main() -> None:
    start = time.perf_counter()
    x, y = chain(N)
    forward = time.perf_counter()
    y.backward()
    backward = time.perf_counter()
    assert (y.data, x.grad) == (N + 1.0, N + 1.0)
    del y
    release = time.perf_counter()
    print(f"{N:,} additions: forward {forward - start:.2f} s, backward {backward - forward:.2f} s, "
          f"release {release - backward:.2f} s")  # fmt: skip
    tracemalloc.start()
    x, y = chain(N // 10)
    graph = tracemalloc.get_traced_memory()[0]
    y.backward()
    peak = tracemalloc.get_traced_memory()[1]
    print(f"a node: {graph / (N // 10):.0f} bytes, at the peak of backward {peak / (N // 10):.0f}")
    assert peak < 1000 * (N // 10)


if __name__ == "__main__":
    main()
