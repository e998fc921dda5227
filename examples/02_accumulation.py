"""A value that is used twice: its gradient is a sum, and it must wait for both terms before it passes anything on."""

import viz
from microgradx import Value

a, b = Value(2.0, "a"), Value(3.0, "b")
h = a * b
p = h + 1
L = h * p  # h is used here and in p
names = dict(h=h, p=p, L=L)

print(viz.explain(h, L, names))
print()
print(viz.why_order(L, names))
