"""One neuron: a forward pass, a backward pass, and what a gradient foretells."""

from microgradx import Value


def neuron(x: Value, w: Value, b: Value) -> Value:
    return (w * x + b).tanh()


x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.88, "b")
y = neuron(x, w, b)
y.backward()

print(f"y = {y.data:.4f}")
for leaf in (x, w, b):
    print(f"dy/d{leaf.label} = {leaf.grad:+.4f}")

# A gradient is the answer to a small step: Δy ≈ dy/dw · Δw
moved = neuron(x, Value(w.data + 0.001), b).data - y.data
print(f"w + 0.001 moves y by {moved:.6f}; the gradient foretold {w.grad * 0.001:.6f}")
