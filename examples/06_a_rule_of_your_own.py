"""The table is open: one line with a value and its derivative is a new operation, of any order, everywhere."""

import viz
from microgradx import Program, Value, grad, rule

# the bell curve e^(−x²), whose derivative is −2x times itself: y is the rule's own output
bell = rule("bell", lambda xp, x: xp.exp(-x * x), lambda xp, y, x: -2 * x * y)

x = Value(1.5, "x")
y = 3 * bell(x)
first = grad(y, x, create_graph=True)
second = grad(first, x)
print(f"y = {y.data:.4f}, y' = {first.data:.4f}, y'' = {second.data:.4f}")
print()
print(viz.check(y))
print()
print(Program.of(y).source())
