// ---- tensors: shapes, limits, and a few squares of colour ------------------------------------------------
const [HEAT_ROWS, HEAT_COLUMNS] = [8, 32];

/** An array of the walk's JSON as a plain number where it is one, else with its limits and its shades. */
function tensor({ shape, dtype, data, low, high, mean, norm, heat }) {
  if (!shape.length) return Number(data);
  if (heat)
    return {
      shape,
      dtype,
      low: Number(low),
      high: Number(high),
      mean: Number(mean),
      norm: Number(norm),
      heat: heat.map((row) => row.map(Number)),
      data: null,
    };
  const flat = [data].flat(Infinity).map(Number);
  if (!flat.length) return { shape, dtype, norm: 0, heat: [], data };
  const across = shape.at(-1);
  const rows = Array.from({ length: flat.length / across }, (_, n) => flat.slice(n * across, (n + 1) * across));
  const columns = (row) => blocks(row, HEAT_COLUMNS).map(average);
  const few = blocks(rows, HEAT_ROWS).map((some) => columns(some[0].map((_, k) => average(some.map((row) => row[k])))));
  const length = Math.sqrt(flat.reduce((sum, x) => sum + x * x, 0));
  const [least, most] = [Math.min(...flat), Math.max(...flat)];
  return { shape, dtype, low: least, high: most, mean: average(flat), norm: length, heat: few, data };
}

const isTensor = (x) => x !== null && typeof x === "object";
const average = (list) => list.reduce((sum, x) => sum + x, 0) / list.length;

/** A list as at most so many lists of neighbours. */
function blocks(list, most) {
  const count = Math.min(list.length, most);
  const start = (n) => Math.floor((n * list.length) / count);
  return Array.from({ length: count }, (_, n) => list.slice(start(n), start(n + 1)));
}

const shapeText = ({ shape }) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

/** As viz.number writes an array: up to four elements as they are, of more the shape, limits and mean. */
function tensorText(x, digits) {
  const size = x.shape.reduce((a, b) => a * b, 1);
  const nested = (part) => (Array.isArray(part) ? `[${part.map(nested).join(", ")}]` : number(Number(part), digits));
  if (!size) return `${shapeText(x)} empty`;
  if (x.data !== null && size <= 4) return nested(x.data);
  const [least, most, mean] = [x.low, x.high, x.mean].map((each) => number(each, digits));
  return least === most ? `${shapeText(x)} of ${least} each` : `${shapeText(x)} from ${least} to ${most}, mean ${mean}`;
}

/** What fits into a box or a cell: the shape of data, how large a gradient is. */
const dataText = (x) => (isTensor(x) ? shapeText(x) : number(x));
const gradText = (x) => (isTensor(x) ? `‖·‖ ${number(x.norm)}` : number(x));

/** One square: the stronger the colour, the larger the number; what is not finite is hollow. */
function shade(v, most, place) {
  const opacity = Number.isFinite(v) ? (0.08 + (0.92 * Math.abs(v)) / most).toFixed(2) : 0;
  const side = Number.isFinite(v) ? (v < 0 ? "below" : "above") : "lost";
  return svg("rect", { class: side, ...place, "fill-opacity": opacity });
}

/** A square for each number, or for a block of them: blue above zero, orange and outlined below. */
function heat(x, label = "", cell = 11) {
  const most = Math.max(...x.heat.flat().map(Math.abs).filter(Number.isFinite), 0) || 1;
  const [rows, columns] = [x.heat.length, x.heat[0]?.length ?? 0];
  const squares = x.heat.flatMap((row, r) =>
    row.map((v, c) => shade(v, most, { x: c * cell, y: r * cell, width: cell - 1, height: cell - 1 })),
  );
  return svg(
    "svg",
    {
      class: "heat",
      width: columns * cell,
      height: rows * cell,
      viewBox: `0 0 ${columns * cell} ${rows * cell}`,
      role: "img",
      "aria-label": `${label} ${tensorText(x, 4)}`,
    },
    squares,
  );
}

/** A name, its heat, and what it says in words. */
function heatLine(name, x) {
  return html(
    "div",
    { class: "heatline" },
    html("span", { class: "note" }, name),
    isTensor(x) ? heat(x, name) : number(x),
    isTensor(x) ? html("span", { class: "note" }, tensorText(x, 3)) : null,
  );
}
