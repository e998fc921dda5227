// ---- Why this order --------------------------------------------------------------------------------------
function whySheet(app) {
  const { why } = app.data;
  const choice = html("div", { class: "choices", role: "group", "aria-label": "Orders of the backward pass" });
  const story = html("div", { class: "story", "aria-live": "off" });
  let chosen = null;
  const root = html(
    "div",
    { class: "why" },
    html("h2", null, "Why this order?"),
    html(
      "p",
      null,
      "A node may pass its gradient on only when all of its uses have reported. Other orders, run on this very graph:",
    ),
    whyTable(app),
    html("h3", null, "Run one of them, up to its first premature step"),
    choice,
    story,
    html(
      "p",
      { class: "note stale", hidden: "" },
      "These orders were run with the numbers of the file, not with those that are shown now.",
    ),
  );
  for (const [n, order] of why.orders.entries()) {
    choice.append(html("button", { type: "button", "aria-pressed": "false", onclick: () => choose(n) }, order.name));
  }

  function choose(n) {
    chosen = n === chosen ? null : n;
    [...choice.children].forEach((button, m) => button.setAttribute("aria-pressed", m === chosen));
    app.visited = chosen === null ? null : why.orders[chosen];
    fillWith(story, chosen === null ? [] : storyOf(app, why.orders[chosen]));
    app.render();
    story.lastElementChild?.scrollIntoView({ block: "nearest" });
  }

  const show = () => {
    root.querySelector(".stale").hidden = !app.edited();
  };
  return { root, show };
}

function whyTable(app) {
  const { orders, differences } = app.data.why;
  if (!app.data.why.leaves.length) return null; // a graph that is too large to run them all
  const rootName = app.walk.nodes[app.walk.root].shown;
  const heads = app.data.why.leaves.map((leaf) => `d${rootName}/d${brief(app.walk.nodes[leaf].shown, 9)}`);
  const fit = heads.join("").length <= 26 ? heads.length : 2; // in the panel's width
  const leaves = app.data.why.leaves.slice(0, fit);
  const cell = (order, n) => {
    if (!order.grads) return html("td", null, "—");
    const right = order.right[n];
    return html("td", { class: right ? "right" : "wrong" }, `${gradText(real(order.grads[n]))} ${right ? "✓" : "✗"}`);
  };
  const rows = orders.map((order) =>
    html(
      "tr",
      null,
      html("th", { scope: "row" }, order.name),
      leaves.map((_, n) => cell(order, n)),
    ),
  );
  return html(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Gradients by order" },
    table(
      ["order", ...heads.slice(0, fit)],
      rows,
      html(
        "tr",
        null,
        html("th", { scope: "row" }, "finite difference"),
        differences.slice(0, fit).map((x) => html("td", null, gradText(real(x)))),
      ),
    ),
  );
}

function storyOf(app, order) {
  const told = some(order.visits, 24);
  const visit = (n) => {
    const { node, grad, reported, uses } = order.visits[n];
    const bad = n === order.premature;
    const which = reported ? `its ${ordinal(reported + 1)} use reported` : "anything arrived";
    return html(
      "li",
      { class: bad ? "bad" : null, value: n + 1 },
      nodeLink(app, node),
      grad === null ? " passes on" : ` passes on ${number(real(grad))}`,
      bad ? html("b", null, ` before ${which} ✗`) : uses ? ` (${reported}/${uses} reported ✓)` : " (the seed)",
    );
  };
  const numbers = [...told.first.keys()];
  const end =
    order.premature === null ? "No node passes on too early." : "Stopped here: what it passes on is not the whole sum.";
  return [
    html(
      "ol",
      { class: "visits" },
      numbers.map(visit),
      told.left ? html("li", { class: "note", value: numbers.length + 1 }, `… ${told.left} more`) : null,
      told.last.length ? visit(order.visits.length - 1) : null,
    ),
    html("p", { class: order.premature === null ? "right" : "wrong" }, end),
    html("p", { class: "note" }, `${order.name}: ${order.remark}`),
  ];
}
