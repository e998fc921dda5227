// ---- Step ------------------------------------------------------------------------------------------------
function stepSheet(app) {
  const root = html("div", { class: "step" });
  return { root, show: (k) => fillWith(root, k ? aboutStep(app, app.walk.steps[k - 1]) : aboutStart(app)) };
}

function aboutStart(app) {
  const { walk } = app;
  return [
    html("h2", null, "Start"),
    html(
      "p",
      null,
      `Only the ${walk.leaves.length === 1 ? "leaf has its number" : `${walk.leaves.length} leaves have their numbers`}. `,
      `The forward pass computes ${walk.seed - 1} operation${walk.seed === 2 ? "" : "s"}; the backward pass then asks of every node: `,
      html("em", null, `if this number moved a little, how would ${walk.nodes[walk.root].shown} move?`),
    ),
    html("p", { class: "note" }, "Press → to take a step, Space to play, ? for all keys."),
  ];
}

function aboutStep(app, step) {
  const node = app.walk.nodes[step.node];
  const heading = html("h2", { class: step.direction }, `${step.direction} ${step.position} of ${step.count}`);
  const place = node.scope ? html("p", { class: "place" }, node.scope, " ", uncoverButton(app, step.node)) : null;
  return [heading, place, ...(step.direction === "forward" ? aboutForward(app, node) : aboutBackward(app, step, node))];
}

function uncoverButton(app, index) {
  const box = app.picture_.current()?.boxes.find((one) => one.members.includes(index));
  if (!box || box.cluster === null) return null;
  return html("button", { type: "button", class: "small", onclick: () => app.uncover(index) }, "show it in the graph");
}

/** Of a tensor: the operation, the shapes of what goes in, and what comes out. */
function aboutTensor(app, node) {
  return [
    html("p", null, nodeLink(app, node.index), " is computed from its inputs:"),
    html("p", { class: "display code" }, `${node.shown} = ${brief(node.formula, 120)}`),
    node.numbers === node.formula ? null : html("p", { class: "rule code" }, `shapes: ${brief(node.numbers, 120)}`),
    heatLine(node.shown, app.numbers.data[node.index]),
  ];
}

function aboutForward(app, node) {
  if (app.data.values[node.index] === null || isTensor(app.numbers.data[node.index])) return aboutTensor(app, node);
  const written = app.data.values[node.index];
  const result = bold(number(app.numbers.data[node.index]), "data");
  const symbolic = formula(word(node.shown), operator("="), tree(written, names(app)));
  const numeric = formula(operator("="), tree(written, figures(app)), operator("="), result);
  const short = node.formula.length <= 14;
  return [
    html("p", null, nodeLink(app, node.index), " is computed from its inputs:"),
    html("p", { class: "display" }, symbolic, short ? numeric : null),
    short ? null : html("p", { class: "display" }, numeric),
    derivatives(app, node),
  ];
}

/** What the node will need on the way back: its local derivatives at these numbers. */
function derivatives(app, node) {
  const terms = app.walk.out[node.index];
  if (!terms.length || terms.length > 4) return null;
  return html(
    "details",
    null,
    html("summary", null, "Its local derivatives"),
    terms.map((term) => html("p", { class: "display" }, localSteps(app, term))),
  );
}

/** "∂tanh(x)/∂x = 1 − y·y", "= 1 − 0.7·0.7", "= 0.5": lines may break between the rule, its numbers, the result. */
function localSteps(app, term) {
  const left = useSlope(app, term);
  const written = app.data.locals[term.id];
  const { local } = app.numbers.terms[term.id];
  const result = word(number(local));
  if (written === null || (Array.isArray(written) && written[0] === "mn")) return [formula(left, operator("="), result)];
  const lines = [formula(left, operator("="), cases(tree(written, names(app))))];
  if (Array.isArray(written)) lines.push(formula(operator("="), cases(tree(written, figures(app)))));
  return [...lines, formula(operator("="), result)];
}

/** "(0 if x ≤ 0, else 1)": without the brackets, "= 1 = …" after it would read on. */
function cases(made) {
  return made.textContent.includes("\u00a0if\u00a0") ? mathml("mrow", operator("("), made, operator(")")) : made;
}

function aboutBackward(app, step, node) {
  const root = app.walk.nodes[app.walk.root].shown;
  const whole = app.numbers.grad[node.index];
  const grad = isTensor(whole) ? `of shape ${shapeText(whole)}` : number(whole);
  const itself = formula(total(root, node.shown), operator("="), bold(grad));
  if (step.seed)
    return [
      html("p", null, "The sweep starts at the root, which moves exactly as much as itself:"),
      html("p", { class: "display" }, itself),
    ];
  if (!step.terms.length) return [html("p", null, nodeLink(app, node.index), " has no derivative to pass on.")];
  const complete = node.uses ? `, complete (${node.uses}/${node.uses})` : "";
  return [
    html(
      "p",
      null,
      nodeLink(app, node.index),
      " = ",
      html("span", { class: "written" }, brief(node.formula, 60)),
      " passes on its gradient ",
      ...(isTensor(whole) ? [formula(total(root, node.shown)), ` ${grad}`] : [itself]),
      `${complete}:`,
    ),
    ...eachOf(step.terms, (id) => aboutTerm(app, id, root)),
  ];
}

/** A contribution of tensors: the product with the incoming gradient G, sums over broadcast axes as a step of their own. */
function aboutProduct(app, id, root) {
  const term = app.walk.terms[id];
  const { incoming, amount, after } = app.numbers.terms[id];
  const complete = term.use === term.uses;
  return lighting(
    app,
    [id],
    { class: "term", role: "group", "aria-label": `to ${app.walk.nodes[term.parent].shown}` },
    html(
      "p",
      null,
      nodeLink(app, term.parent),
      " receives ",
      html("span", { class: "note" }, "with G = ", formula(total(root, app.walk.nodes[term.user].shown))),
    ),
    html("p", { class: "display code" }, term.product ?? "G"),
    term.shapes ? html("p", { class: "rule code" }, `shapes: ${term.shapes}`) : null,
    term.summed ? html("p", { class: "substep" }, `then ${term.summed}`) : null,
    heatLine("G", incoming),
    heatLine("adds", amount),
    heatLine("sum so far", after),
    html(
      "p",
      { class: "ledger" },
      complete ? `complete (${term.use}/${term.uses})` : `uses reported ${term.use}/${term.uses}`,
    ),
  );
}

/** One contribution: incoming gradient × local derivative, and what becomes of the sum. */
function aboutTerm(app, id, root) {
  const term = app.walk.terms[id];
  const { incoming, local, amount } = app.numbers.terms[id];
  if (local === null) return aboutProduct(app, id, root);
  const user = app.walk.nodes[term.user];
  return lighting(
    app,
    [id],
    { class: "term", role: "group", "aria-label": `to ${app.walk.nodes[term.parent].shown}` },
    html(
      "p",
      null,
      nodeLink(app, term.parent),
      " receives ",
      html("span", { class: "note" }, "(incoming gradient) × (local derivative)"),
    ),
    html(
      "p",
      { class: "display" },
      formula(total(root, user.shown), operator("·"), useSlope(app, term)),
      formula(
        operator("="),
        word(number(incoming)),
        operator("·"),
        word(factor(local)),
        operator("="),
        bold(number(amount)),
      ),
    ),
    html("p", { class: "rule" }, localSteps(app, term)),
    ledger(app, id),
  );
}
