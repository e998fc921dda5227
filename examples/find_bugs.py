"""Two wrong gradients in well-known libraries, found from scratch: pip install '.[other-engines]', then run this.

HIPS/autograd's `where` does not add up a gradient over the axes that an operand was broadcast along, and MyGrad's
`maximum(x, x)` has the gradient 0. Random programs are run on each library until one gives a wrong number; nobody
tells them where to look.
"""

import time

from microgradx.testing.corpus import corpus, differential

for engine, operation in (("autograd", "where"), ("mygrad", "maximum")):
    started = time.perf_counter()
    programs = (program for program in corpus(10**6, seed=1) if any(step.op == operation for step in program.steps))
    reports = (differential(program, [engine]) for program in programs)
    silent = (r for r in reports for found in r.findings if found.verdict == "differs" and "nan" not in found.detail)
    print(f"\n{engine}, {time.perf_counter() - started:.0f} s:\n{next(silent)}")
