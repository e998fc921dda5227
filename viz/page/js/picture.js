// ---- the graph: drawn once for each way of folding, then only classes and texts change -------------------
const HEAD = 9;
const MOST_AMOUNTS = 8; // contributions of one step that are written on their arrows
const READABLE = 0.6; // text in a picture that is smaller than this is not
const PAD = 8; // around the picture, for the marks on its outermost boxes
const LARGEST = 1.6; // a small graph is not blown up beyond this

function makePicture(app) {
  const canvas = app.part("canvas");
  const drawn = new Map();
  let shown = null; // the scene on the screen
  let at = 0; // the step on the screen
  let view = null; // [x, y, width, height] of what is seen of it
  let size = null; // of the canvas; asking the browser each time would cost a layout
  const measured = () => (size ??= canvas.getBoundingClientRect());

  function scene() {
    const picture = app.data.pictures[app.picture];
    if (!drawn.has(picture)) drawn.set(picture, drawScene(app, picture, actions));
    return drawn.get(picture);
  }

  function show(k) {
    const next = scene();
    if (next !== shown) {
      shown = next;
      canvas.replaceChildren(next.root);
      fit();
    }
    showStep(app, next, k);
    const moved = k !== at;
    at = k;
    const current = moved && k && next.boxes.find((box) => box.members.includes(app.walk.steps[k - 1].node));
    if (current) reveal(current);
  }

  // -- what of it is seen
  function apply() {
    shown.root.setAttribute("viewBox", view.map((x) => x.toFixed(2)).join(" "));
  }

  function fit() {
    const { width, height } = shown.picture;
    const room = measured();
    const scale = Math.min(room.width / (width + 2 * PAD), room.height / (height + 2 * PAD), LARGEST) || 1;
    const [w, h] = [(room.width || width) / scale, (room.height || height) / scale];
    view = [(width - w) / 2, (height - h) / 2, w, h];
    apply();
  }

  function zoom(by, at = null) {
    const [x, y, w, h] = view;
    const [across, down] = at ?? [0.5, 0.5];
    const factorOf = Math.min(Math.max(w / by, 60), 40 * shown.picture.width) / w;
    view = [x + w * across * (1 - factorOf), y + h * down * (1 - factorOf), w * factorOf, h * factorOf];
    apply();
  }

  function pan(dx, dy) {
    const room = canvas.getBoundingClientRect();
    view = [view[0] - (dx * view[2]) / room.width, view[1] - (dy * view[3]) / room.height, view[2], view[3]];
    apply();
  }

  /** Show a frame or a box as large as it can be read, where the whole picture is too small for that. */
  function approach(frame) {
    const room = measured();
    if (room.width / view[2] >= READABLE) return;
    const scale = Math.min(room.width / (frame.width + 4 * PAD), room.height / (frame.height + 4 * PAD), 1);
    const [w, h] = [room.width / scale, room.height / scale];
    view = [frame.x + (frame.width - w) / 2, frame.y + (frame.height - h) / 2, w, h];
    apply();
  }

  /** Bring a box into sight, where zooming has put it outside. */
  function reveal(box) {
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const inside = x > view[0] && x < view[0] + view[2] && y > view[1] && y < view[1] + view[3];
    if (inside) return;
    view = [x - view[2] / 2, y - view[3] / 2, view[2], view[3]];
    apply();
  }

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button === 0) drag = { x: event.clientX, y: event.clientY, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 4) return; // a click, so far
    if (!drag.moved) canvas.setPointerCapture(event.pointerId);
    pan(dx, dy);
    drag = { x: event.clientX, y: event.clientY, moved: true };
  });
  canvas.addEventListener("pointerup", () => {
    if (drag?.moved)
      canvas.addEventListener("click", (event) => event.stopPropagation(), { capture: true, once: true });
    drag = null;
  });
  canvas.addEventListener("pointercancel", () => {
    drag = null;
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls the page
      event.preventDefault();
      const room = canvas.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY / 300), [
        (event.clientX - room.left) / room.width,
        (event.clientY - room.top) / room.height,
      ]);
    },
    { passive: false },
  );
  new ResizeObserver(([{ contentRect }]) => {
    const before = size;
    size = contentRect;
    if (shown && (before?.width !== size.width || before?.height !== size.height)) fit();
  }).observe(canvas);

  // -- folding
  function change(wanted, otherwise) {
    const key = (open) => [...open].sort((a, b) => a - b).join();
    const find = (open) => app.data.pictures.findIndex((picture) => key(picture.open) === key(open));
    const found = [find(wanted), find(otherwise)].find((n) => n >= 0);
    if (found === undefined) return app.say("There is no picture of this in the file.");
    app.picture = found;
    app.render();
  }

  /** The cluster and all that it is in. */
  function leading(cluster) {
    const found = new Set();
    for (let at = cluster; at !== null; at = app.data.clusters[at][2]) found.add(at);
    return found;
  }

  const actions = {
    unfold(cluster) {
      change(new Set([...app.data.pictures[app.picture].open, cluster]), leading(cluster));
      focus((stop) => stop.frame?.cluster === cluster);
      const frame = shown.frames.find((one) => one.cluster === cluster);
      if (frame) approach(frame);
      app.say(`${app.data.clusters[cluster][1]} is unfolded.`);
    },
    fold(cluster) {
      const kept = app.data.pictures[app.picture].open.filter((other) => !leading(other).has(cluster));
      const outside = leading(cluster);
      outside.delete(cluster);
      change(new Set(kept), outside);
      focus((stop) => stop.box?.cluster === cluster);
      app.say(`${app.data.clusters[cluster][1]} is folded.`);
    },
    foldAll: () => change(new Set(), new Set()),
    openAll: () => change(new Set(app.data.clusters.keys()), new Set()),
  };

  function focus(wanted) {
    const target = shown.stops.find(wanted);
    if (target) rove(shown, target);
  }

  /** Unfold just enough for a node to have a box of its own. */
  function uncover(index) {
    for (let guard = 0; guard < 20; guard += 1) {
      const box = scene().boxes.find((one) => one.members.includes(index));
      if (!box || box.cluster === null) break;
      const before = app.picture;
      change(new Set([...app.data.pictures[app.picture].open, box.cluster]), leading(box.cluster));
      if (app.picture === before) break;
    }
    const box = shown.boxes.find((one) => one.members.includes(index));
    if (box) approach(box);
  }

  return { show, fit, zoom, uncover, actions, current: () => shown, move: (by) => move(app, shown, by, reveal) };
}

// ---- drawing ---------------------------------------------------------------------------------------------
function drawScene(app, picture, actions) {
  const root = svg("svg", {
    class: "figure",
    role: "group",
    id: `${app.run}_figure`,
    "aria-label": `Graph of ${app.data.walk.nodes[app.walk.root].shown}. Up and down move between nodes, Enter opens one.`,
  });
  const frames = picture.frames.map((frame) => drawFrame(app, frame, actions));
  const boxes = picture.boxes.map((box) => drawBox(app, box, actions));
  const arrows = picture.arrows.map((arrow) => drawArrow(app, arrow, picture));
  const amounts = svg("g", { class: "amounts", "aria-hidden": "true" });
  root.append(...frames.map((f) => f.group), ...arrows.map((a) => a.group), ...boxes.map((b) => b.group), amounts);
  const stops = [...frames, ...boxes].map((one) => ({
    group: one.group,
    box: one.members ? one : null,
    frame: one.members ? null : one,
  }));
  stops.forEach((stop, n) => stop.group.setAttribute("tabindex", n === frames.length ? "0" : "-1"));
  return { root, picture, frames, boxes, arrows, amounts, stops };
}

function shapeOf([role, ...rest]) {
  if (rest.length === 1) return svg("path", { class: role, d: rest[0] });
  if (rest.length === 5) {
    const [x, y, width, height, rx] = rest;
    return svg("rect", { class: role, x, y, width, height, rx });
  }
  const [x, y, anchor, text] = rest;
  return svg("text", { class: role, x, y, "text-anchor": anchor || null }, text ?? "");
}

function drawFrame(app, frame, actions) {
  const [title, path] = app.data.clusters[frame.cluster];
  const group = svg(
    "g",
    {
      class: "cluster",
      transform: `translate(${frame.at})`,
      role: "button",
      "aria-expanded": "true",
      "aria-label": `${path}, unfolded. Enter folds it.`,
      onclick: () => actions.fold(frame.cluster),
    },
    frame.shapes.map(shapeOf),
  );
  const label = group.querySelector(".title");
  if (label) label.textContent = `▾ ${brief(title, 30)}`;
  const [, , , width, height] = frame.shapes[0];
  return { group, cluster: frame.cluster, x: frame.at[0], y: frame.at[1], width, height };
}

function drawBox(app, box, actions) {
  const shapes = box.shapes.map(shapeOf);
  const sheet = shapes
    .filter((shape) => shape.tagName === "rect" && /^(box|root)$/.test(shape.getAttribute("class")))
    .at(-1);
  const [width, height] = ["width", "height"].map((side) => Number(sheet.getAttribute(side)));
  const [x, y] = box.at;
  const cluster = app.data.closed.includes(box.cluster) ? null : box.cluster;
  const act = () => (cluster === null ? app.select(box.value ?? box.members?.[0]) : actions.unfold(cluster));
  const group = svg(
    "g",
    {
      class: `node ${box.kind}`,
      id: `${app.run}_${box.name}`,
      transform: `translate(${x},${y})`,
      role: "button",
      "aria-expanded": cluster === null ? null : "false",
      onclick: act,
    },
    shapes,
  );
  group.append(svg("rect", { class: "ring", x: -5, y: -5, width: width + 10, height: height + 10, rx: 14 }));
  if (cluster !== null) shapes.find((s) => /label|name/.test(s.getAttribute("class")))?.prepend("▸ ");
  const badge = svg(
    "g",
    { class: "badge", transform: `translate(${width - 5},${height + 3})` },
    svg("rect", { class: "pill", y: -8, height: 16, rx: 8 }),
    svg("text", { "text-anchor": "end", y: 4, x: -7 }),
  );
  const tag = svg(
    "g",
    { class: "tag", transform: `translate(5,${height + 3})` },
    svg("rect", { class: "pill", y: -8, height: 16, rx: 8 }),
    svg("text", { y: 4, x: 7 }),
  );
  group.append(badge, tag);
  const [data, grad] = ["data", "grad"].map((role) => shapes.find((shape) => shape.getAttribute("class") === role));
  const strips = box.value === null || !isTensor(app.numbers.data[box.value]) ? [] : [data, grad].map(makeStrip);
  group.append(...strips.filter(Boolean));
  const members = box.members ?? [box.value];
  return { ...box, members, group, x, y, width, height, data, grad, badge, tag, cluster, strips };
}

function drawArrow(app, arrow, picture) {
  const { margin } = picture;
  const [role, d] = arrow.path;
  const points = [...d.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
  const group = svg(
    "g",
    {
      class: "arrow",
      id: `${app.run}_${arrow.name}`,
      transform: `translate(${margin},${margin})`,
      onmouseenter: () => app.highlight(arrow.terms),
      onmouseleave: () => app.highlight([]),
    },
    svg("path", { class: "hit", d }),
    svg("path", { class: role, d }),
    svg("path", { class: "tip", d: arrowhead(points) }),
    svg("path", { class: "tip home", d: arrowhead([...points].reverse(), 2) }),
  );
  const line = group.children[1];
  const down = picture.direction === "TB";
  const written = arrow.mark && arrow.terms.length === 1;
  const [x, y] = written ? arrow.mark.map((at) => at - margin) : [];
  // beside an arrow that points down, another number must not grow over the arrow
  const left = written && x - 3.3 * slopeText(app, arrow, app.recorded).length;
  const mark = written
    ? svg("text", { class: "slope", x: down ? left : x, y, "text-anchor": down ? "start" : "middle" })
    : null;
  if (mark) group.append(mark);
  const middle = written ? { x, y: y + (down ? -24 : 20) } : middleOf(points);
  return { ...arrow, group, line, margin, mark, middle };
}

/** Half way along a path of cubic curves, about; asking the browser would cost a layout. */
function middleOf(points) {
  const pieces = Math.floor((points.length - 1) / 3);
  if (!pieces) return { x: (points[0][0] + points.at(-1)[0]) / 2, y: (points[0][1] + points.at(-1)[1]) / 2 };
  const start = 3 * Math.floor(pieces / 2);
  if (pieces % 2 === 0) return { x: points[start][0], y: points[start][1] };
  const [a, b, c, d] = points.slice(start, start + 4);
  const at = (k) => (a[k] + 3 * b[k] + 3 * c[k] + d[k]) / 8;
  return { x: at(0), y: at(1) };
}

/** A triangle at the end of a path; `within`: how far back its tip is moved. */
function arrowhead(points, within = -HEAD) {
  const end = points.at(-1);
  const from = points.findLast(([x, y]) => Math.hypot(x - end[0], y - end[1]) > 0.1) ?? [end[0] - 1, end[1]];
  const length = Math.hypot(end[0] - from[0], end[1] - from[1]);
  const [dx, dy] = [(end[0] - from[0]) / length, (end[1] - from[1]) / length];
  const tip = [end[0] - dx * within, end[1] - dy * within];
  const base = [tip[0] - dx * HEAD, tip[1] - dy * HEAD];
  const side = ([x, y], by) => [x - dy * by, y + dx * by];
  return `M${side(base, 3.6)}L${tip}L${side(base, -3.6)}Z`;
}

// ---- one step --------------------------------------------------------------------------------------------
function showStep(app, scene, k) {
  const { walk } = app;
  const step = k ? walk.steps[k - 1] : null;
  const active = new Set(step?.terms ?? []);
  const receiving = new Set([...active].map((id) => walk.terms[id].parent));
  for (const box of scene.boxes) showBox(app, box, k, step, receiving);
  const labelled = [];
  for (const arrow of scene.arrows) {
    const passing = active.size > 0 && arrow.terms.some((id) => active.has(id));
    const feeding = step?.direction === "forward" && arrow.terms.some((id) => walk.terms[id].user === step.node);
    const names = ["arrow"];
    if (passing) names.push("backward");
    else if (feeding) names.push("forward");
    else if (k >= walk.seed && arrow.terms.some((id) => walk.terms[id].step <= k)) names.push("reported");
    else if (k < walk.seed && arrow.terms.length && arrow.terms.every((id) => walk.computed[walk.terms[id].user] > k))
      names.push("waiting");
    if (arrow.terms.some((id) => app.lit.has(id))) names.push("lit");
    const now = names.join(" ");
    if (now !== arrow.now) arrow.group.setAttribute("class", now);
    arrow.now = now;
    const amount = passing && arrow.terms.length === 1 ? app.numbers.terms[arrow.terms[0]].amount : null;
    if (amount !== null && !isTensor(amount)) labelled.push(arrow);
    if (arrow.mark) writeSlope(app, arrow, k);
  }
  scene.amounts.replaceChildren(
    ...(labelled.length > MOST_AMOUNTS ? [] : labelled.map((arrow) => amountOn(app, arrow))),
  );
  if (app.visited && app.tab === "why") showVisits(app, scene);
}

function showBox(app, box, k, step, receiving) {
  const { walk, numbers } = app;
  const at = box.value === null ? null : known(walk, numbers, box.value, k);
  const inside = (index) => (box.members.length > 1 ? box.members.includes(index) : box.members[0] === index);
  const current = step !== null && inside(step.node);
  const receives = [...receiving].some(inside);
  const selected = app.selected !== null && inside(app.selected);
  const now = [at?.data, at?.grad, at?.reported, k >= walk.seed, current && step.direction, receives, selected];
  if (sameItems(now, box.now)) return; // a step changes few boxes of many
  box.now = now;
  const names = ["node", box.kind];
  if (current) names.push("current", step.direction);
  if (receives && !current) names.push("receives");
  if (at && at.data === null) names.push("waiting");
  if (at?.ready && k >= walk.seed) names.push("ready");
  if (selected) names.push("selected");
  assign(box.group, "class", names.join(" "));
  if (box.data && at) squeeze(box, box.data, dataText(at.data));
  if (box.grad && at) squeeze(box, box.grad, gradText(at.grad));
  box.strips.forEach((strip, n) => strip && fillStrip(strip, n ? at.grad : at.data));
  const counted = at && k >= walk.seed;
  const uses = counted
    ? at.uses
      ? `${at.reported}/${at.uses}${at.ready ? " ✓" : ""}`
      : box.value === walk.root
        ? "root ✓"
        : ""
    : "";
  pill(box.badge, uses, -1);
  const doing = { forward: "computes", backward: step?.terms.length ? "passes on" : "starts" }[step?.direction];
  pill(box.tag, current ? doing : receives ? "receives" : "", 1);
  assign(box.group, "aria-label", spoken(app, box, at, current ? doing : receives ? "receives" : ""));
}

function spoken(app, box, at, doing) {
  if (!at || box.cluster !== null) {
    const [title, path, , values] =
      box.cluster === null ? [box.name, box.name, null, box.members.length] : app.data.clusters[box.cluster];
    return `${path || title}, folded, ${values} values. ${doing ? `A value inside ${doing}. ` : ""}Enter unfolds it.`;
  }
  const node = app.walk.nodes[box.value];
  const parts = [
    node.op ? `${node.shown} = ${brief(node.formula)}` : `${node.shown}, a leaf`,
    `data ${number(at.data)}`,
  ];
  if (at.grad !== null) parts.push(`gradient ${number(at.grad)}`);
  if (at.uses) parts.push(`${at.reported} of ${at.uses} uses reported`);
  return [...parts, doing].filter(Boolean).join(", ");
}

/** Measures texts as page.css writes them; asking the picture itself would cost a layout. */
const ruler = document.createElement("canvas").getContext("2d");
ruler.font = "14px Helvetica, Arial, sans-serif";

/** A text at the right of its box, narrowed where it is longer than what the box was made for. */
function squeeze(box, text, written) {
  write(text, written);
  const room = box.width - (box.shapes.some(([role]) => role === "chip") ? 96 : 62);
  text.removeAttribute("textLength");
  if (written.length * 8.2 > room && ruler.measureText(written).width > room) text.setAttribute("textLength", room);
}

function pill(badge, text, side) {
  badge.classList.toggle("empty", !text);
  const [back, words] = badge.children;
  if (words.textContent === text) return;
  words.textContent = text;
  const width = 6 * text.length + 14;
  back.setAttribute("width", width);
  back.setAttribute("x", side < 0 ? -width : 0);
}

/** The local derivative on an arrow, as soon as the operation has its number. */
function writeSlope(app, arrow, k) {
  const ready = app.walk.computed[app.walk.terms[arrow.terms[0]].user] <= k;
  write(arrow.mark, ready ? slopeText(app, arrow, app.numbers) : "");
}

function slopeText(app, arrow, numbers) {
  const term = app.walk.terms[arrow.terms[0]];
  const [user, parent] = [term.user, term.parent].map((index) => brief(app.walk.nodes[index].shown, 9));
  const { local } = numbers.terms[term.id];
  return local === null ? "" : `∂${user}/∂${parent} = ${number(local)}`;
}

function amountOn(app, arrow) {
  const amount = app.numbers.terms[arrow.terms[0]].amount;
  const text = amount < 0 ? number(amount) : `+${number(amount)}`;
  const width = 7.6 * text.length + 12;
  return svg(
    "g",
    { transform: `translate(${arrow.middle.x + arrow.margin},${arrow.middle.y + arrow.margin})` },
    svg("rect", { class: "pill", x: -width / 2, y: -10, width, height: 20, rx: 10 }),
    svg("text", { "text-anchor": "middle", y: 4.5 }, text),
  );
}

/** The numbers of a wrong schedule's visits, written at the nodes. */
function showVisits(app, scene) {
  const { visits, premature } = app.visited;
  visits.slice(0, 60).forEach((visit, n) => {
    const box = scene.boxes.find((one) => one.members.includes(visit.node));
    if (!box) return;
    const bad = n === premature;
    const times = visits.slice(0, n).filter((other) => other.node === visit.node).length;
    const known = real(visit.grad);
    const text = bad
      ? `✗${known === null ? "" : ` ${number(known)}`} (${visit.reported}/${visit.uses})`
      : String(n + 1);
    const width = bad ? 6.6 * text.length + 16 : 22;
    scene.amounts.append(
      svg(
        "g",
        { class: bad ? "visit bad" : "visit", transform: `translate(${box.x + (bad ? 45 - width : 3) + 26 * times},${box.y - 2})` },
        svg("rect", { x: 0, y: -11, width, height: 22, rx: 11 }),
        svg("text", { "text-anchor": "middle", x: width / 2, y: 4.5 }, text),
      ),
    );
  });
}

// ---- roving focus ----------------------------------------------------------------------------------------
function rove(scene, stop) {
  for (const other of scene.stops) assign(other.group, "tabindex", other === stop ? "0" : "-1");
  stop.group.focus({ preventScroll: true });
}

function move(app, scene, by, reveal) {
  const at = scene.stops.findIndex((stop) => stop.group.getAttribute("tabindex") === "0");
  const focused = scene.stops.findIndex((stop) => stop.group === document.activeElement);
  const next = focused < 0 ? at : Math.min(Math.max(focused + by, 0), scene.stops.length - 1);
  const stop = scene.stops[next];
  rove(scene, stop);
  if (stop.box) reveal(stop.box);
}

// ---- tensors: a strip of shades in the row of a number's text ---------------------------------------------
// pictures.py leaves as much room between the word and the number
const STRIP = { x: 28, width: 40, height: 9, most: 10 };

function makeStrip(text) {
  const word = text?.previousElementSibling; // "data" or "grad"
  if (!word) return null;
  const [x, y] = ["x", "y"].map((name) => Number(word.getAttribute(name)));
  return svg("g", { class: "strip", "aria-hidden": "true", transform: `translate(${x + STRIP.x},${y - STRIP.height})` });
}

/** Means over all axes but the last one, in at most ten squares. */
function fillStrip(strip, x) {
  const rows = isTensor(x) ? x.heat : [];
  const columns = rows.length ? rows[0].map((_, k) => average(rows.map((row) => row[k]))) : [];
  const means = blocks(columns, STRIP.most).map(average);
  const most = Math.max(...means.map(Math.abs).filter(Number.isFinite), 0) || 1;
  const size = Math.min(STRIP.height, STRIP.width / means.length);
  fillWith(
    strip,
    means.map((v, k) => shade(v, most, { x: k * size, width: size - 0.6, height: STRIP.height })),
  );
}
