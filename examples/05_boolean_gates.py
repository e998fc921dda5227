"""One neuron learns AND, OR and NAND, but not XOR: no straight line has its two ones on one side.

All that it can say of XOR is "one half", at a loss of ln 2 = 0.693.
"""

from microgradx.nn import Neuron
from microgradx.optim import Adam

INPUTS = [(0, 0), (0, 1), (1, 0), (1, 1)]
GATES = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "nand": [1, 1, 1, 0], "xor": [0, 1, 1, 0]}

for name, outputs in GATES.items():
    neuron = Neuron(2, activation="sigmoid", seed=0)
    optimizer = Adam(neuron.parameters(), lr=0.1)
    for _ in range(300):
        # the cross-entropy: −log of the probability that the neuron gives to the right answer
        chances = [neuron(x) if y else 1 - neuron(x) for x, y in zip(INPUTS, outputs, strict=True)]
        loss = -sum(chance.log() for chance in chances) / len(INPUTS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    learned = [int(neuron(x).data > 0.5) for x in INPUTS]
    verdict = "learned" if learned == outputs else "not learned"
    w1, w2, b = (p.data for p in neuron.parameters())
    print(f"{name:4} {verdict:11} loss {loss.data:.3f}   sigmoid({w1:+.2f} x1 {w2:+.2f} x2 {b:+.2f})")
