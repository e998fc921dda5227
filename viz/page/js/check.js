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
      "Each gradient beside two numbers that no backward pass has computed: nudge the leaf a little and watch the root (finite difference); the same with an imaginary nudge, exact to rounding (complex step).",
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
  const rootName = app.walk.nodes[app.walk.root].shown;
  const edited = app.edited();
  const columns = ["leaf", `d${rootName}/dleaf`, "finite difference", "complex step", "error", "verdict"];
  const { first, left } = some(app.data.check, 100);
  if (!app.data.check.length)
    return html("p", { class: "note" }, "This page has no checks of this graph; viz.check(root) makes them.");
  const rows = first.map((one) => {
    const grad = app.numbers.grad[one.node];
    const difference = edited ? finiteDifference(app.walk, app.numbers, app.leaves, one.node) : real(one.difference);
    const exact = edited ? null : real(one.exact);
    const error = difference === null ? null : Math.abs(grad - difference);
    const verdict = edited ? (error <= 1e-5 * Math.max(1, Math.abs(grad)) ? "agrees" : "unclear") : one.verdict;
    const [what, at] = one.jump ? ["values", one.jump] : ["slopes", one.kink];
    const kink = at && !edited ? `: ${what} ${at.map((x) => number(real(x))).join(" and ")}` : "";
    return html(
      "tr",
      null,
      html("th", { scope: "row" }, nodeLink(app, one.node)),
      html("td", null, number(grad, 8)),
      html("td", null, number(difference, 8)),
      html("td", null, number(exact, 8)),
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
    html(
      "table",
      null,
      html(
        "thead",
        null,
        html(
          "tr",
          null,
          columns.map((c) => html("th", { scope: "col" }, c)),
        ),
      ),
      html("tbody", null, rows),
    ),
    left ? html("p", { class: "note" }, `… and ${left} more leaves`) : null,
    edited
      ? html(
          "p",
          { class: "note" },
          "With your changes the finite difference is taken in this page; the complex step is Python's and needs the file's own numbers.",
        )
      : null,
  );
}

function twice(app, runs, accumulate) {
  if (!app.editable && app.numbers.data.some(isTensor))
    return [
      html(
        "p",
        null,
        "A leaf keeps its gradient, and every backward pass adds to it: call zero_grad() before the next one.",
      ),
    ];
  const shown = app.walk.leaves.slice(0, 6);
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
        const sum =
          runs > 1
            ? `${Array.from({ length: Math.min(runs, 4) }, () => factor(grad)).join(" + ")}${runs > 4 ? " + …" : ""} = `
            : "";
        return html(
          "li",
          { class: runs > 1 ? "wrong" : null },
          `${app.walk.nodes[leaf].shown}.grad = ${sum}${number(grad === null ? null : runs * grad)}${runs > 1 ? " ✗" : ""}`,
        );
      }),
    ),
    app.walk.leaves.length > shown.length
      ? html("p", { class: "note" }, `… and ${app.walk.leaves.length - shown.length} more leaves`)
      : null,
  ];
}
