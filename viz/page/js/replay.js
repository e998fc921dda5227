// ---- training again: what viz.record kept of a run -------------------------------------------------------
function makeReplay(app) {
  const { replay } = app.data;
  if (!replay?.frames?.length) return { show: () => {} };
  const place = app.part("replay");
  place.hidden = false;
  place.parentElement.classList.add("trained");
  const { frames } = replay;
  const losses = replay.losses.map(real);
  const scrubber = html("input", {
    type: "range",
    min: 0,
    max: frames.length - 1,
    value: frames.length - 1,
    step: 1,
    "aria-label": "Recorded training step",
    class: "scrubber",
    oninput: (event) => turn(Number(event.target.value)),
  });
  const said = html("span", { class: "position" });
  const plot = html("div", { class: "losses" });
  const other = html(
    "p",
    { class: "note", hidden: "" },
    "At this step the model computed by another graph; the numbers of the graph above are of another step.",
  );
  const boundary = replay.boundary ? makeBoundary(replay) : null;
  place.append(
    html("h2", null, `Training: ${frames.length} of ${losses.length} steps were recorded`),
    html("div", { class: "row wide" }, scrubber, said),
    other,
    html("div", { class: "row top" }, plot, ...(boundary ? [boundary.root] : [])),
  );
  turn(frames.length - 1, false);

  function turn(n, render = true) {
    const frame = frames[n];
    write(said, `step ${frame.step}, loss ${number(losses[frame.step])}`);
    scrubber.setAttribute("aria-valuetext", said.textContent);
    plot.replaceChildren(curve(losses, { at: frame.step, width: 640, height: 250 }));
    boundary?.show(frame.scores);
    if (frame.leaves && app.editable) {
      app.base = new Map(frame.leaves.map((x, k) => [app.walk.leaves[k], real(x)]));
      app.leaves = new Map(app.base);
      app.numbers = app.edited() ? compute(app.walk, app.leaves) : app.recorded;
    } else if (frame.nodes) {
      app.numbers = compiled(app, frame.nodes);
    }
    other.hidden = Boolean(frame.leaves || frame.nodes);
    if (render) app.render();
  }

  return { show: () => {} };
}

/** Recorded numbers of every node, where the page cannot compute them. Before a term is what was after the last one. */
function compiled(app, recorded) {
  const [data, grad] = [recorded.data.map(real), recorded.grad.map(real)];
  const sums = new Map();
  const terms = app.walk.terms.map(({ user, parent }, id) => {
    const [local, amount, sum] = recorded.terms[id].map(real);
    const before = sums.get(parent) ?? null;
    const after = sum ?? amount;
    sums.set(parent, after);
    return { incoming: grad[user], local, amount, before, after };
  });
  return { data, grad, terms };
}

/** The plane of inputs in two colours, where the score's sign changes a line, and the points. */
function makeBoundary({ boundary }) {
  const { size, low, high, points, labels } = boundary;
  const canvas = html("canvas", { width: size, height: size, "aria-hidden": "true" });
  const across = (x) => (100 * (x - low[0])) / (high[0] - low[0]);
  const up = (y) => 100 - (100 * (y - low[1])) / (high[1] - low[1]);
  const marks = points.map(([x, y], n) =>
    labels[n] > 0
      ? svg("circle", { class: "yes", cx: across(x), cy: up(y), r: 1.6 })
      : svg("rect", { class: "no", x: across(x) - 1.5, y: up(y) - 1.5, width: 3, height: 3 }),
  );
  const root = html(
    "div",
    null,
    html(
      "div",
      {
        class: "boundary",
        role: "img",
        "aria-label": "Decision boundary over the two inputs: circles are yes, squares are no",
      },
      canvas,
      svg("svg", { viewBox: "0 0 100 100" }, marks),
    ),
    html("p", { class: "note" }, "● yes, ■ no; blue where the model's score is above 0"),
  );

  /** Scores come as one byte each, 128 for zero. */
  function show(scores) {
    const bytes = Uint8Array.from(atob(scores), (c) => c.charCodeAt(0));
    const context = canvas.getContext("2d");
    const image = context.createImageData(size, size);
    for (let n = 0; n < bytes.length; n += 1) {
      const row = size - 1 - Math.floor(n / size);
      const score = (bytes[n] - 128) / 127;
      const colour = score > 0 ? [0, 114, 178] : [213, 94, 0];
      image.data.set([...colour, 45 + 130 * Math.min(Math.abs(score), 1)], 4 * (row * size + (n % size)));
    }
    context.putImageData(image, 0, 0);
  }

  return { root, show };
}
