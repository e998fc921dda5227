"""Wrong gradients in well-known libraries, found from scratch: pip install '.[other-engines]', then run this.

Random programs of one operation, any that the library has, run on it until each operation has had its turn many times;
nobody tells them where to look. HIPS/autograd's `where` does not add up a gradient over the axes that an operand was
broadcast along, and MyGrad's `maximum(x, x)` has the gradient 0. Each is printed with code that shows it alone.
"""

import random
import time
import warnings

from microgradx.testing.corpus import SHAPES, differential
from microgradx.testing.programs import ARRAYS, OPS, decode

warnings.simplefilter("ignore")  # of the libraries, about what does not matter here
OPERATIONS = [op for op in ARRAYS if OPS[op].numpy]
PROGRAMS = 2_000


def programs(seed):
    draw = random.Random(seed)
    for _ in range(PROGRAMS):
        leaves = [(draw.choice(SHAPES), [draw.randint(-32, 16) for _ in range(8)]) for _ in range(draw.randint(1, 3))]
        yield decode(leaves, [tuple(draw.randrange(64) for _ in range(4))], OPERATIONS)


for engine in ("autograd", "mygrad"):
    started, seen = time.perf_counter(), set()
    for program in programs(seed=1):
        report = differential(program, [engine])
        operations = tuple(step.op for step in program.steps)
        if report.findings[0].verdict == "differs" and operations not in seen:  # wrong without a word
            seen.add(operations)
            print(f"\n{engine}, after {time.perf_counter() - started:.1f} s: {', '.join(operations)}\n{report}")
    print(f"\n{engine}: {PROGRAMS} programs in {time.perf_counter() - started:.1f} s")
