// ---- the table of all nodes: the picture for those who read or hear, and on paper ------------------------
const MOST_ROWS = 1500;
const MOST_NUDGED = 700; // a finite difference at every node costs four runs of the graph each

function makeTable(app) {
  const { walk } = app;
  const rootName = walk.nodes[walk.root].shown;
  // where the page cannot compute, there is no nudging
  const nudged = app.editable && walk.nodes.length <= MOST_NUDGED ? ["finite difference"] : [];
  const heads = ["#", "name", "operation", "data", `d${rootName}/d·`, ...nudged, "uses reported", "state"];
  const rows = walk.nodes.slice(0, MOST_ROWS).map((node) => rowOf(app, node, nudged.length > 0));
  const left = walk.nodes.length - rows.length;
  app.part("table").append(
    table(
      heads,
      rows.map((row) => row.root),
    ),
    ...(left ? [html("p", { class: "note" }, `… and ${left} more nodes`)] : []),
  );
  let differences = null; // of which numbers
  let waiting = 0;

  /** Finite differences come when there is time: a step must not wait for them. */
  function nudge() {
    if (!nudged.length || differences === app.numbers) return;
    const { numbers } = app;
    differences = numbers;
    clearTimeout(waiting);
    const some = (first) => {
      const begun = performance.now();
      let n = first;
      for (; n < rows.length && performance.now() - begun < 6; n += 1) {
        const row = rows[n];
        write(row.difference, number(finiteDifference(walk, numbers, app.leaves, row.index), 6));
      }
      if (n < rows.length) waiting = setTimeout(some, 4, n);
    };
    waiting = setTimeout(some, 120, 0);
  }

  function show(k) {
    const step = k ? walk.steps[k - 1] : null;
    const receiving = new Set(step?.terms.map((id) => walk.terms[id].parent));
    for (const row of rows)
      row.show(
        known(walk, app.numbers, row.index, k),
        step?.node === row.index ? step : null,
        receiving.has(row.index),
      );
    nudge();
  }

  return { show };
}

function rowOf(app, node, nudged) {
  const cell = (name) => html("td", { class: name });
  const cells = Object.fromEntries(["data", "grad", "difference", "uses", "state"].map((name) => [name, cell(name)]));
  const root = html(
    "tr",
    { onclick: () => app.select(node.index) },
    html("td", null, String(node.index)),
    html("th", { scope: "row" }, nodeLink(app, node.index, brief(node.shown))),
    html("td", { class: "written" }, node.op ? brief(node.formula, 60) : "leaf"),
    ...Object.values(cells).filter((one) => nudged || one !== cells.difference),
  );

  let last = null; // a step changes few rows of many

  function show(at, step, receives) {
    const selected = app.selected === node.index;
    const now = [at.data, at.grad, at.reported, step?.number, receives, selected];
    if (sameItems(now, last)) return;
    last = now;
    write(cells.data, dataText(at.data));
    write(cells.grad, gradText(at.grad));
    write(cells.uses, at.uses ? `${at.reported}/${at.uses}` : node.index === app.walk.root ? "root" : "—");
    const doing = step
      ? step.direction === "forward"
        ? "▸ computes"
        : "▸ passes on"
      : receives
        ? "◂ receives"
        : at.ready
          ? "ready ✓"
          : "";
    write(cells.state, doing);
    const names = step ? `current ${step.direction}` : receives ? "receives" : "";
    assign(root, "class", selected ? `${names} selected` : names);
  }

  return { root, show, index: node.index, difference: cells.difference };
}
