"""Gradient tests for any library: numbers with bounds instead of tolerances, random programs, mutants of the rules.

`check_grad` compares the gradients of a function, written here, in torch, autograd, MyGrad or JAX, or by hand in
NumPy, with numbers that no rule had a part in; it raises with a report where they differ.

>>> import numpy as np
>>> from microgradx.functional import sigmoid
>>> report = check_grad(sigmoid, np.array([-2.0, 0.0, 30.0]))
>>> report.verdict, bool(report.resolution < 1e-6)
('PASS', True)
"""

from __future__ import annotations

from .check import check_grad
from .contract import check_vjp_contract
from .engines import ENGINES, Engine
from .numeric import NumericGrad, cotangent_for, numeric_directional, numeric_grad
from .report import GradientError, GradReport

__all__ = ["check_grad", "check_vjp_contract", "GradReport", "GradientError", "numeric_grad", "numeric_directional",
           "NumericGrad", "cotangent_for", "ENGINES", "Engine"]  # fmt: skip
