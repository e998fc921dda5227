// ---- changing numbers, and gradient descent --------------------------------------------------------------
const MOST_FIELDS = 400;

function makeEditor(app) {
  const { walk } = app;
  const place = app.part("editor");
  if (!app.editable) {
    const which = app.numbers.data.some(isTensor)
      ? "its numbers are tensors"
      : `${app.data.missing.join(", ")} ${app.data.missing.length === 1 ? "has" : "have"} no twin in JavaScript`;
    place.append(html("p", { class: "note" }, `This graph cannot be recomputed in the page: ${which}.`));
    return { show: () => {} };
  }
  const rootName = walk.nodes[walk.root].shown;
  const moving = new Set(movable(app));
  const fields = walk.leaves.slice(0, MOST_FIELDS).map((leaf) => fieldOf(app, leaf, { begin, change, moving }));
  const outcome = html("div", { class: "outcome", "data-part": "outcome" });
  const rate = html("input", {
    type: "number",
    id: `${app.run}_rate`,
    value: "0.01",
    min: "0",
    step: "any",
    class: "rate",
  });
  const plot = html("div", { class: "losses" });
  const losses = [app.numbers.data[walk.root]];
  let shown = null; // of which numbers: a step changes none of them
  let before = null; // the numbers at the beginning of this change, and which leaf it changes

  place.append(
    outcome,
    html(
      "div",
      { class: "leaves" },
      fields.map((field) => field.root),
    ),
    walk.leaves.length > fields.length
      ? html("p", { class: "note" }, `… and ${walk.leaves.length - fields.length} more leaves`)
      : "",
    html(
      "div",
      { class: "descent" },
      html("h3", null, "Gradient descent on ", rootName),
      html(
        "div",
        { class: "row" },
        html("label", { for: rate.id }, "learning rate "),
        rate,
        button("Take one gradient-descent step", () => descend(1), "one"),
        button("Take 10", () => descend(10), "ten"),
        button("Reset", reset, "reset"),
      ),
      plot,
    ),
    html("p", { class: "note" }, "Python's ifs are not run again: the graph stays as it was taken."),
  );

  function button(text, onclick, part) {
    return html("button", { type: "button", onclick, "data-part": part }, text);
  }

  function begin(leaf) {
    if (before?.leaf !== leaf) before = { leaf, numbers: app.numbers, x: app.leaves.get(leaf) };
  }

  function change(leaf, x) {
    begin(leaf);
    app.leaves.set(leaf, x);
    app.recompute();
  }

  function descend(steps) {
    const was = app.numbers;
    const lr = Number(rate.value);
    const start = was.data[walk.root];
    if (losses.at(-1) !== start) losses.splice(0, losses.length, start); // numbers were changed by hand since
    let predicted = 0;
    for (let n = 0; n < steps; n += 1) {
      const { grad } = app.numbers;
      for (const leaf of moving) {
        const by = -lr * (grad[leaf] ?? 0);
        if (n === 0) predicted += (grad[leaf] ?? 0) * by;
        app.leaves.set(leaf, app.leaves.get(leaf) + by);
      }
      app.numbers = compute(walk, app.leaves);
      losses.push(app.numbers.data[walk.root]);
    }
    before = { steps, lr, predicted, numbers: was };
    app.render();
    app.say(`${rootName} is ${number(app.numbers.data[walk.root])}.`);
  }

  function reset() {
    app.leaves = new Map(app.base);
    app.numbers = app.edited() ? compute(walk, app.leaves) : app.recorded;
    losses.splice(0, losses.length, app.numbers.data[walk.root]);
    before = null;
    shown = null;
    app.render();
    app.say("All numbers are as they were.");
  }

  function show() {
    if (shown === app.numbers) return;
    shown = app.numbers;
    for (const field of fields) field.show();
    fillWith(
      outcome,
      before
        ? outcomeOf(app, before, rootName)
        : [html("p", null, "Move a slider, or type a number: forward and backward are computed anew.")],
    );
    fillWith(plot, losses.length > 1 ? [curve(losses, { at: losses.length - 1, label: rootName })] : []);
  }

  return { show };
}

/** Parameters, where modules have any; else all leaves. */
function movable(app) {
  const { walk } = app;
  const scoped = walk.leaves.filter(
    (leaf) =>
      walk.into[leaf].length &&
      walk.into[leaf].every(
        (id) =>
          walk.nodes[walk.terms[id].user].scope && !(walk.terms[id].element !== null && walk.terms[id].slot === 1),
      ),
  );
  return app.data.clusters.length && scoped.length ? scoped : walk.leaves;
}

function fieldOf(app, leaf, { begin, change, moving }) {
  const node = app.walk.nodes[leaf];
  const x = app.original.get(leaf);
  const reach = Number.isFinite(x) ? Math.max(1, 2 * Math.abs(x)) : 1;
  const [low, high] = Number.isFinite(x) ? [x - reach, x + reach] : [-1, 1];
  const set = (text) => text.trim() !== "" && Number.isFinite(Number(text)) && change(leaf, Number(text));
  const label = html("label", { for: `${app.run}_leaf_${leaf}` }, brief(node.shown, 16));
  const where = app.data.clusters.length ? brief(node.name, 20) : "";
  const entry = html("input", {
    type: "number",
    id: `${app.run}_leaf_${leaf}`,
    step: "any",
    onfocus: () => begin(leaf),
    oninput: (event) => set(event.target.value),
  });
  const slider = html("input", {
    type: "range",
    min: low,
    max: high,
    step: reach / 100,
    "aria-label": `${node.shown}, slider`,
    onpointerdown: () => begin(leaf),
    oninput: (event) => set(event.target.value),
  });
  const moves = html("input", {
    type: "checkbox",
    "aria-label": `descent moves ${node.shown}`,
    title: "gradient descent moves it",
    onchange: (event) => (event.target.checked ? moving.add(leaf) : moving.delete(leaf)),
  });
  moves.checked = moving.has(leaf);
  const grad = html("span", { class: "gradient" });
  const root = html("div", { class: "leaf", title: where }, label, entry, slider, moves, grad);

  function show() {
    const now = app.leaves.get(leaf);
    if (document.activeElement !== entry || Number(entry.value) !== now)
      entry.value = Number.isFinite(now) ? shortest(now) : "";
    if (document.activeElement !== slider) slider.value = now;
    write(grad, `∇ ${number(app.numbers.grad[leaf])}`);
    root.classList.toggle("changed", !Object.is(now, app.base.get(leaf)));
  }

  return { root, show };
}

/** A number as a field shows it: without the digits that rounding made. */
const shortest = (x) => String(Number(x.toPrecision(12)));

/** Predicted change = gradient × step, beside the actual change of the root. */
function outcomeOf(app, before, rootName) {
  const [was, now] = [before.numbers.data[app.walk.root], app.numbers.data[app.walk.root]];
  const actual = now - was;
  let said;
  let predicted;
  if (before.steps) {
    predicted = before.steps === 1 ? before.predicted : null;
    said =
      before.steps === 1
        ? `One step with learning rate ${number(before.lr)}: predicted change = Σ gradient × step = ${number(predicted)}`
        : `${before.steps} steps with learning rate ${number(before.lr)}`;
  } else {
    const node = app.walk.nodes[before.leaf];
    const step = app.leaves.get(before.leaf) - before.x;
    const grad = before.numbers.grad[before.leaf] ?? 0;
    predicted = grad * step;
    said = `${node.shown}: ${number(before.x)} → ${number(app.leaves.get(before.leaf))}. Predicted change of ${rootName} = gradient × step = ${number(grad)} × ${factor(step)} = ${number(predicted)}`;
  }
  return [
    html("p", null, `${said}.`),
    html(
      "p",
      null,
      `Actual change: ${rootName} ${number(was)} → ${number(now)}, that is `,
      html("b", null, number(actual)),
      ".",
      predicted !== null && Math.abs(actual) > 0
        ? html(
            "span",
            { class: "note" },
            ` Off by ${number(Math.abs(actual - predicted), 2)}: the slope itself changes along the way.`,
          )
        : "",
    ),
  ];
}
