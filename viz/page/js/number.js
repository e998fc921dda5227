// ---- numbers as text, letter for letter as viz.number writes them ----------------------------------------

/** Four digits, a true minus sign, "—" for what is not there. */
function number(x, digits = 4) {
  if (x === null || x === undefined) return "—";
  if (isTensor(x)) return tensorText(x, digits);
  if (Number.isNaN(x)) return "nan";
  const sign = x < 0 ? "−" : "";
  const size = Math.abs(x);
  if (size === Infinity) return `${sign}inf`;
  if (size === 0) return "0";
  const [mantissa, exponent] = rounded(size, digits);
  if (exponent >= -4 && exponent < digits) {
    return sign + trimmed(Number(`${mantissa}e${exponent}`).toFixed(digits - 1 - exponent));
  }
  if (exponent >= 0 && size < 1e6) return sign + evenly(size);
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `${sign}${trimmed(mantissa)}e${exponent < 0 ? "-" : "+"}${power}`;
}

/** Mantissa and exponent. Python rounds a tie to the even digit, toExponential to the larger one. */
function rounded(size, digits) {
  const longer = size.toExponential(digits);
  if (longer[digits + 1] === "5" && Number(longer) === size) {
    // perhaps a tie; all digits tell, but cost much more than the few
    const [whole, power] = size.toExponential(60).split("e");
    const cut = whole.slice(0, digits + 1);
    if (/^50*$/.test(whole.slice(digits + 1)) && Number(cut.at(-1)) % 2 === 0) return [cut, Number(power)];
  }
  const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
  return [mantissa, Number(exponent)];
}

function trimmed(decimal) {
  return decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
}

/** The nearest whole number, of two the even one. */
function evenly(size) {
  const below = Math.floor(size);
  const rest = size - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 === 1);
  return String(up ? below + 1 : below);
}

/** A negative number in brackets, as a factor. */
function factor(x) {
  const text = number(x);
  return text.startsWith("−") ? `(${text})` : text;
}

/** Numbers in JSON: "NaN", "Infinity" and "-Infinity" are strings there, arrays have a shape. */
function real(x) {
  if (x === null || x === undefined) return null;
  return typeof x === "object" ? tensor(x) : Number(x);
}
