// ---- formulas: the trees of formulas.py as MathML --------------------------------------------------------

/** A formula; `fill` gives the text for a node's number. */
function formula(...parts) {
  return mathml("math", mathml("mrow", ...parts));
}

function tree(found, fill) {
  return branch(found, fill, null, null);
}

function branch(found, fill, before, parent) {
  if (typeof found === "number") return hole(fill(found), before, parent);
  const [tag, ...inside] = found;
  if (inside.length === 1 && typeof inside[0] === "string") return letters(tag, inside[0]);
  return mathml(tag, ...inside.map((part, k) => branch(part, fill, inside[k - 1] ?? null, found)));
}

/** A number below zero needs brackets after an operator and under an exponent. */
function hole(text, before, parent) {
  const operator = Array.isArray(before) && before[0] === "mo" && "⋅+−".includes(before[1]);
  const leaf = word(text);
  if (text.startsWith("−") && (operator || (parent?.[0] === "msup" && before === null))) {
    return mathml("mrow", mathml("mo", "("), leaf, mathml("mo", ")"));
  }
  return leaf;
}

/** One letter slants, a word stands upright; MathML would trim the spaces of a text. */
function letters(tag, text) {
  const made = mathml(tag, tag === "mtext" ? text.replaceAll(" ", "\u00a0") : text);
  if (tag === "mi" && [...text].length > 1) made.classList.add("upright");
  return made;
}

/** A name, with the digits at its end as an index, or a number. */
function word(text) {
  const indexed = /^(\p{L}+)(\d+)$/u.exec(text);
  if (indexed) return mathml("msub", letters("mi", indexed[1]), mathml("mn", indexed[2]));
  return letters(/^[−\d]|^inf$|^nan$|^—$/.test(text) ? "mn" : "mi", text);
}

const operator = (sign) => mathml("mo", sign);
/** What comes out: "data" of a step forward, else a gradient. */
function bold(text, kind = "gradient") {
  const made = word(text);
  made.classList.add("result", kind);
  return made;
}

/** dL/dh, for a total. */
function total(root, name) {
  return mathml("mfrac", mathml("mrow", mathml("mi", "d"), word(root)), mathml("mrow", mathml("mi", "d"), word(name)));
}

/** ∂(h+1)/∂h, for a local derivative, the other inputs held fixed. */
function slope(above, below) {
  return mathml("mfrac", mathml("mrow", operator("∂"), above), mathml("mrow", operator("∂"), below));
}
