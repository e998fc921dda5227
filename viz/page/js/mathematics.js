// ---- what the rules call and Math lacks ------------------------------------------------------------------

/** IEEE 754's pow: 1 to any power is 1, and so is −1 to an infinite one; Math.pow gives NaN. */
function power(a, b) {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : Math.pow(a, b);
}

/** Python's: every number but 0 is true, nan too. */
const truth = (x) => (typeof x === "number" ? x !== 0 : x);

function dot(w, x) {
  let total = 0;
  for (let k = 0; k < w.length; k += 1) total += w[k] * x[k];
  return total;
}

const SERIES_ENDS = 2; // below, the series needs few terms; above, the continued fraction does

function erf(x) {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) < SERIES_ENDS) return erfSeries(x);
  return x > 0 ? 1 - erfcFraction(x) : erfcFraction(-x) - 1;
}

function erfc(x) {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) < SERIES_ENDS) return 1 - erfSeries(x);
  return x > 0 ? erfcFraction(x) : 2 - erfcFraction(-x);
}

/** 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·5 … (2n+1)): all terms have one sign, so nothing cancels. */
function erfSeries(x) {
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

/** e^(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))), from the inside out. */
function erfcFraction(x) {
  if (x > 27.3) return 0; // below the smallest number
  let inside = x;
  for (let n = 120; n > 0; n -= 1) inside = x + n / 2 / inside;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / inside;
}
