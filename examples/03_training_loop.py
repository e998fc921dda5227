"""The training loop: a network of 13 parameters learns XOR, which no single neuron can."""

from microgradx.nn import MLP
from microgradx.optim import SGD

points = [(0, 0), (0, 1), (1, 0), (1, 1)]
targets = [0, 1, 1, 0]

model = MLP(2, [3, 1], activation="tanh", seed=1)
optimizer = SGD(model.parameters(), lr=0.2)

for step in range(1, 301):
    scores = [model(point) for point in points]
    loss = sum((score - target) ** 2 for score, target in zip(scores, targets, strict=True)) / len(points)
    optimizer.zero_grad()  # gradients accumulate, so each step forgets those of the step before
    loss.backward()
    optimizer.step()
    if step in (1, 10, 100, 300):
        print(f"step {step:3}: loss {loss.data:.6f}")

for point in points:
    print(f"{point[0]} xor {point[1]} = {model(point).data:.2f}")
