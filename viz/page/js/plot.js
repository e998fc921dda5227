// ---- small plots -----------------------------------------------------------------------------------------

/** A curve of losses with its first and last number; `at` marks one of them. */
function curve(values, { at = null, label = "loss", width = 320, height = 120 } = {}) {
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const [left, top, right, bottom] = [54, 12, width - 12, height - 24];
  const x = (n) => left + ((right - left) * n) / Math.max(values.length - 1, 1);
  const y = (v) => bottom - ((bottom - top) * (v - low)) / (high - low || 1);
  const points = values.map((v, n) => [x(n), y(v)]).filter(([, v]) => Number.isFinite(v));
  const marked =
    at === null || !Number.isFinite(values[at])
      ? []
      : [svg("circle", { class: "mark", cx: x(at), cy: y(values[at]), r: 4.5 })];
  const said = `${label}: ${number(values[0])} at first, ${number(values.at(-1))} at last`;
  return svg(
    "svg",
    { class: "curve", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said },
    svg("path", { class: "axis", d: `M${left},${top}V${bottom}H${right}` }),
    points.length ? svg("path", { class: "loss", d: `M${points.map((p) => p.map((v) => v.toFixed(1))).join("L")}` }) : [],
    points.length <= 40 ? points.map(([cx, cy]) => svg("circle", { class: "point", cx, cy, r: 2.2 })) : [],
    marked,
    points.length ? svg("text", { x: left - 6, y: top + 5, "text-anchor": "end" }, number(high)) : [],
    high <= low || !points.length ? [] : svg("text", { x: left - 6, y: bottom + 3, "text-anchor": "end" }, number(low)),
    svg("text", { x: left, y: height - 8, "text-anchor": "middle" }, "0"),
    svg("text", { x: right, y: height - 8, "text-anchor": "end" }, String(values.length - 1)),
    svg("text", { x: (left + right) / 2, y: height - 8, "text-anchor": "middle" }, `step`),
  );
}
