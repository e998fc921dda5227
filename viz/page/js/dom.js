// ---- elements; text only ever becomes text ---------------------------------------------------------------
const NAMESPACES = {
  svg: "http://www.w3.org/2000/svg",
  math: "http://www.w3.org/1998/Math/MathML",
  html: "http://www.w3.org/1999/xhtml",
};

/** An element with attributes ("on…" for listeners; false and null leave one out) and children, strings as text. */
function element(namespace, tag, attributes, children) {
  const made = document.createElementNS(NAMESPACES[namespace], tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  return fillWith(made, children);
}

/** Put children in the place of what is there; nulls and lists in lists are fine. */
function fillWith(target, children) {
  target.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== false));
  return target;
}

const html = (tag, attributes, ...children) => element("html", tag, attributes, children);
const svg = (tag, attributes, ...children) => element("svg", tag, attributes, children);
const mathml = (tag, ...children) => element("math", tag, null, children);

/** A table with its column heads, and rows that may come in lists. */
const table = (heads, ...rows) =>
  html(
    "table",
    null,
    html(
      "thead",
      null,
      html(
        "tr",
        null,
        heads.map((head) => html("th", { scope: "col" }, head)),
      ),
    ),
    html("tbody", null, rows),
  );

/** Change what is shown only where it differs: a step of a large graph changes few of its texts. */
function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Whether what is shown was made of the same items. */
const sameItems = (now, last) => last !== undefined && last !== null && now.every((x, n) => Object.is(x, last[n]));

function assign(target, name, value) {
  if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
}

function brief(text, most = 40) {
  return text.length <= most ? text : `${[...text].slice(0, most - 1).join("")}…`;
}
