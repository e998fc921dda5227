"""Derivatives of derivatives: a gradient made with create_graph is a graph, and can be differentiated again."""

from microgradx import Value, grad

x = Value(2.0, "x")
d = x**5
for order in range(1, 7):
    d = grad(d, x, create_graph=True)
    print(f"derivative {order} of x**5 at 2: {d.data:g}")

# Newton's method on f' finds a minimum of f = x⁴ − 3x³ + 2 in a few steps: x ← x − f'/f''
x = Value(4.0, "x")
for step in range(7):
    f = x**4 - 3 * x**3 + 2
    slope = grad(f, x, create_graph=True)
    curvature = grad(slope, x)
    print(f"step {step}: x = {x.data:.8f}, slope = {slope.data:.1e}")
    x = Value(x.data - slope.data / curvature.data, "x")
