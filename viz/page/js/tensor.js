// ---- tensors: shapes, limits, and a few squares of colour ------------------------------------------------
const [HEAT_ROWS, HEAT_COLUMNS] = [8, 32];

/** An array of the walk's JSON as a plain number where it is one, else with its limits and its shades. */
function tensor({ shape, dtype, data, low, high, mean, heat }) {
  if (!shape.length) return Number(data);
  if (heat)
    return {
      shape,
      dtype,
      low: Number(low),
      high: Number(high),
      mean: Number(mean),
      heat: heat.map((row) => row.map(Number)),
      data: null,
    };
  const flat = [data].flat(Infinity).map(Number);
  const across = shape.at(-1) || 1;
  const rows = Array.from({ length: flat.length / across }, (_, n) => flat.slice(n * across, (n + 1) * across));
  const columns = (row) => blocks(row, HEAT_COLUMNS).map(average);
  const few = blocks(rows, HEAT_ROWS).map((some) => columns(some[0].map((_, k) => average(some.map((row) => row[k])))));
  return { shape, dtype, low: Math.min(...flat), high: Math.max(...flat), mean: average(flat), heat: few, data };
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
  if (x.data !== null && size <= 4) return nested(x.data);
  return `${shapeText(x)} from ${number(x.low, digits)} to ${number(x.high, digits)}, mean ${number(x.mean, digits)}`;
}

/** What fits into a box or a cell: the shape of data, how large a gradient is at most. */
const dataText = (x) => (isTensor(x) ? shapeText(x) : number(x));
const gradText = (x) => (isTensor(x) ? `|·| ≤ ${number(Math.max(Math.abs(x.low), Math.abs(x.high)))}` : number(x));

/** A square for each number, or for a block of them: blue above zero, orange and outlined below. */
function heat(x, label = "", cell = 11) {
  const most = Math.max(...x.heat.flat().map(Math.abs).filter(Number.isFinite)) || 1;
  const [rows, columns] = [x.heat.length, x.heat[0]?.length ?? 0];
  const squares = x.heat.flatMap((row, r) =>
    row.map((v, c) =>
      svg("rect", {
        class: v < 0 ? "below" : "above",
        x: c * cell,
        y: r * cell,
        width: cell - 1,
        height: cell - 1,
        "fill-opacity": (0.08 + (0.92 * Math.abs(v)) / most).toFixed(2),
      }),
    ),
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
