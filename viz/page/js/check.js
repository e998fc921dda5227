// ---- Check -----------------------------------------------------------------------------------------------
function checkSheet(app) {
  const body = html("div", null);
  const again = html("div", { class: "again" });
  let runs = 1;
  const root = html(
    "div",
    { class: "checks" },
    html("h2", null, "Is it right?"),
    html(
      "p",
      null,
      app.numbers.data.some(isTensor)
        ? "Each gradient beside a number that no backward pass has computed: nudge the leaf a little along a direction and watch the root (finite difference)."
        : "Each gradient beside two numbers that no backward pass has computed: nudge the leaf a little and watch the root (finite difference); the same with an imaginary nudge, exact to rounding (complex step).",
    ),
    body,
    html("h3", null, "Run backward twice"),
    again,
  );

  function accumulate(more) {
    runs = more ? runs + 1 : 1;
    show();
    app.say(
      more
        ? `Backward has run ${runs} times without zeroing: every leaf's gradient is ${runs} times too large.`
        : "The gradients are zeroed and computed once.",
    );
  }

  const show = () => {
    fillWith(body, [checkTable(app)]);
    fillWith(again, twice(app, runs, accumulate));
  };
  return { root, show };
}

function checkTable(app) {
  const edited = app.editable && app.edited();
  const stale = !app.editable && app.edited();
  const { leaves, note } = app.data.check;
  const arrays = isTensor(app.numbers.data.find(isTensor) ?? null);
  const middle = arrays ? [] : ["complex step"];
  const columns = ["leaf", arrays ? "slope" : "gradient", "finite difference", ...middle, "error", "verdict"];
  const { first, left } = some(leaves, 100);
  if (!leaves.length)
    return html("p", { class: "note" }, "This page has no checks of this graph; viz.check(root) makes them.");
  const rows = first.map((one) => {
    const grad = edited ? app.numbers.grad[one.node] : real(one.grad);
    const difference = edited
      ? finite(finiteDifference(app.walk, app.numbers, app.leaves, one.node))
      : real(one.difference);
    const exact = edited ? null : real(one.exact);
    const error = difference === null ? null : Math.abs(grad - difference);
    const verdict = edited ? judged(app.numbers.data[app.walk.root], grad, error) : one.verdict;
    const [what, at] = one.jump ? ["values", one.jump] : ["slopes", one.kink];
    const kink = at && !edited ? `: ${what} ${at.map((x) => number(real(x))).join(" and ")}` : "";
    return html(
      "tr",
      null,
      html("th", { scope: "row" }, nodeLink(app, one.node)),
      html("td", null, number(grad, 7)),
      html("td", null, number(difference, 7)),
      arrays ? null : html("td", null, number(exact, 7)),
      html("td", null, number(error, 2)),
      html(
        "td",
        { class: verdict === "agrees" ? "right" : "wrong" },
        `${verdict}${kink}${verdict === "agrees" ? "\u00a0✓" : ""}`,
      ),
    );
  });
  return html(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Checks" },
    table(columns, rows),
    left ? html("p", { class: "note" }, `… and ${left} more leaves`) : null,
    note && !edited ? html("p", { class: "note" }, `${note[0].toUpperCase()}${note.slice(1)}.`) : null,
    stale ? html("p", { class: "note" }, "These are checks of the file's numbers, not of those that are shown now.") : null,
    edited
      ? html(
          "p",
          { class: "note" },
          "With your changes the finite difference is taken in this page; the complex step is Python's and needs the file's own numbers.",
        )
      : null,
  );
}

const finite = (x) => (Number.isFinite(x) ? x : null);

/** Of numbers that were changed: Python, which knows kinks and how far a difference may be off, is not there to ask. */
function judged(root, grad, error) {
  if (!Number.isFinite(root)) return "not finite";
  return error !== null && error <= 1e-5 * Math.max(1, Math.abs(grad)) ? "agrees" : "unclear";
}

function twice(app, runs, accumulate) {
  const leaves = app.walk.leaves.filter((leaf) => app.numbers.grad[leaf] !== null); // a constant has none
  const shown = leaves.slice(0, 6);
  const times = runs === 1 ? "once" : `${runs} times`;
  return [
    html(
      "p",
      null,
      "A leaf keeps its gradient, and every backward pass adds to it. Without ",
      html("code", null, "zero_grad()"),
      " the next pass adds the same again.",
    ),
    html(
      "div",
      { class: "row" },
      html("button", { type: "button", onclick: () => accumulate(true) }, "Run backward again without zeroing"),
      html("button", { type: "button", onclick: () => accumulate(false) }, "Zero the gradients"),
    ),
    html("p", { "data-runs": runs }, `backward has run ${times}:`),
    html(
      "ul",
      { class: "paths" },
      shown.map((leaf) => {
        const grad = app.numbers.grad[leaf];
        const all = isTensor(grad) ? { ...grad, norm: runs * grad.norm } : runs * grad;
        const sum =
          runs > 1 && !isTensor(grad)
            ? `${Array.from({ length: Math.min(runs, 4) }, () => factor(grad)).join(" + ")}${runs > 4 ? " + …" : ""} = `
            : "";
        return html(
          "li",
          { class: runs > 1 ? "wrong" : null },
          `${app.walk.nodes[leaf].shown}.grad = ${sum}${gradText(all)}${runs > 1 ? " ✗" : ""}`,
        );
      }),
    ),
    leaves.length > shown.length
      ? html("p", { class: "note" }, `… and ${leaves.length - shown.length} more leaves`)
      : null,
  ];
}
