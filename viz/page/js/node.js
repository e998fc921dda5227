// ---- Node ------------------------------------------------------------------------------------------------
function nodeSheet(app) {
  const root = html("div", { class: "about" });
  return {
    root,
    show: (k) => {
      const index = app.selected ?? (k ? app.walk.steps[k - 1].node : app.walk.root);
      fillWith(root, aboutNode(app, index, k));
    },
  };
}

function aboutNode(app, index, k) {
  const { walk, numbers } = app;
  const node = walk.nodes[index];
  const at = known(walk, numbers, index, k);
  const rootName = walk.nodes[walk.root].shown;
  const facts = [
    ["operation", node.op ? brief(node.formula, 200) : "a leaf"],
    ["data", number(at.data)],
    [`d${rootName}/d${node.shown}`, at.grad === null ? "— (nothing reported yet)" : number(at.grad)],
    [
      "uses reported",
      node.uses
        ? `${at.reported}/${at.uses}${at.ready ? ", ready" : ""}`
        : index === walk.root
          ? "the root"
          : "none that can be differentiated",
    ],
  ];
  if (node.label && node.label !== node.shown) facts.push(["label", brief(node.label, 200)]);
  if (node.scope) facts.push(["in", node.scope]);
  const whole = numbers.data[index];
  if (isTensor(whole)) facts.push(["shape", shapeText(whole)], ["dtype", whole.dtype]);
  return [
    html("h2", null, node.shown, " ", uncoverButton(app, index)),
    html(
      "dl",
      { class: "facts" },
      facts.map(([key, value]) => html("div", null, html("dt", null, key), html("dd", null, value))),
    ),
    ...(isTensor(whole) ? [heatLine("data", at.data), at.grad === null ? null : heatLine("gradient", at.grad)] : []),
    ...chainRule(app, index, rootName),
    ...allPaths(app, index, rootName),
    ...passesOn(app, index),
  ];
}

function chainRule(app, index, rootName) {
  const { walk, numbers } = app;
  const node = walk.nodes[index];
  const terms = walk.into[index];
  if (index === walk.root)
    return [
      html(
        "p",
        null,
        "The root: the sweep starts here, with ",
        formula(total(rootName, rootName), operator("="), bold("1")),
        ".",
      ),
    ];
  if (!terms.length)
    return [html("p", null, `${rootName} does not depend on it by anything that can be differentiated.`)];
  const how =
    node.uses === 1
      ? "is used once, so its gradient has one term:"
      : `is used ${node.uses} times, so its gradient is a sum with one term per use:`;
  const plus = (pieces) => pieces.flatMap((piece, n) => (n ? [formula(operator("+")), piece] : [piece]));
  const { first, left, last } = some(terms, 8);
  const dots = left ? [formula(mathml("mi", "…"))] : [];
  const symbolic = [
    ...first.map((id) => linkedTerm(app, id, rootName)),
    ...dots,
    ...last.map((id) => linkedTerm(app, id, rootName)),
  ];
  if (terms.some((id) => numbers.terms[id].local === null)) {
    return [
      html("h3", null, "The chain rule"),
      html("p", null, html("b", null, node.shown), ` ${how}`),
      html(
        "ol",
        { class: "uses" },
        eachOf(terms, (id) => html("li", null, aboutTerm(app, id, rootName))),
      ),
    ];
  }
  const numeric = (id) =>
    lighting(
      app,
      [id],
      { class: "piece" },
      formula(word(factor(numbers.terms[id].incoming)), operator("·"), word(factor(numbers.terms[id].local))),
    );
  return [
    html("h3", null, "The chain rule"),
    html("p", null, html("b", null, node.shown), ` ${how}`),
    html("p", { class: "display sum" }, formula(total(rootName, node.shown), operator("=")), ...plus(symbolic)),
    html(
      "p",
      { class: "display sum" },
      formula(operator("=")),
      ...plus([...first.map(numeric), ...dots, ...last.map(numeric)]),
      formula(operator("="), bold(number(numbers.grad[index]))),
    ),
    html(
      "ol",
      { class: "uses" },
      eachOf(terms, (id) => html("li", null, useOf(app, id))),
    ),
  ];
}

/** (dL/dp)·∂(h+1)/∂h with each factor a link: to the user's gradient, and to the use. */
function linkedTerm(app, id, rootName) {
  const term = app.walk.terms[id];
  const user = app.walk.nodes[term.user];
  const link = (made, label) =>
    html(
      "a",
      {
        class: "factor",
        "aria-label": label,
        href: app.address({ node: term.user, tab: "node" }),
        onclick: (event) => {
          event.preventDefault();
          app.select(term.user, "node");
        },
      },
      formula(made),
    );
  return lighting(
    app,
    [id],
    { class: "piece" },
    link(total(rootName, user.shown), `gradient of ${user.shown}`),
    formula(operator("·")),
    link(useSlope(app, term), `local derivative of ${user.shown} = ${brief(user.formula)}`),
  );
}

function useOf(app, id) {
  const term = app.walk.terms[id];
  const user = app.walk.nodes[term.user];
  return lighting(
    app,
    [id],
    { class: "piece" },
    "in ",
    nodeLink(app, term.user),
    ` = ${brief(user.formula)}`,
    inputName(app, term) === app.walk.nodes[term.parent].shown ? "" : ` (${inputName(app, term)})`,
    ": ",
    ledger(app, id),
  );
}

function allPaths(app, index, rootName) {
  if (app.walk.terms.some((term) => term.local === null)) return []; // products of matrices are more than numbers to multiply
  if (index === app.walk.root || !app.walk.into[index].length) return [];
  const found = paths(app.walk, index);
  const heading = html("h3", null, "All paths");
  if (found === null)
    return [
      heading,
      html(
        "p",
        { class: "note" },
        `More than ${MOST_PATHS} paths lead from ${rootName} to ${app.walk.nodes[index].shown}.`,
      ),
    ];
  return [
    heading,
    html(
      "p",
      null,
      found.length === 1
        ? "One path leads here; multiply along it:"
        : `${found.length} paths lead here; multiply along each, then add:`,
    ),
    html(
      "ul",
      { class: "paths" },
      found.map((terms) => html("li", null, pathOf(app, terms))),
    ),
  ];
}

function pathOf(app, terms) {
  const { walk, numbers } = app;
  const stops = [walk.root, ...terms.map((id) => walk.terms[id].parent)];
  const locals = terms.map((id) => numbers.terms[id].local);
  const product = locals.reduce((a, b) => a * b, 1);
  const way = stops.flatMap((stop, n) => (n ? [" → ", nodeLink(app, stop)] : [nodeLink(app, stop)]));
  const written = locals.length > 1 && locals.length <= 6 ? `${locals.map((x, n) => (n ? factor(x) : number(x))).join(" · ")} = ` : "";
  return lighting(
    app,
    terms,
    { class: "piece" },
    ...way,
    html("span", { class: "product" }, `${written}${number(product)}`),
  );
}

function passesOn(app, index) {
  const terms = app.walk.out[index];
  if (!terms.length)
    return [
      html(
        "p",
        { class: "note" },
        app.walk.nodes[index].op ? "It has no derivative to pass on." : "It is a leaf: the sweep ends here.",
      ),
    ];
  return [
    html("h3", null, "It passes on"),
    html(
      "ul",
      { class: "paths" },
      eachOf(terms, (term) => {
        const { incoming, local, amount } = app.numbers.terms[term.id];
        if (local === null) return html("li", null, "to ", nodeLink(app, term.parent), `: ${term.product ?? "G"}`);
        return html(
          "li",
          null,
          lighting(
            app,
            [term.id],
            { class: "piece" },
            "to ",
            nodeLink(app, term.parent),
            `: ${number(incoming)} · ${factor(local)} = ${number(amount)}`,
          ),
        );
      }),
    ),
  ];
}
