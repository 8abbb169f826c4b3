// The browser's half of DrawingPad. Strokes are drawn here as they happen and go to
// Python once, when the pen lifts: a list of strokes, each a list of [x, y], y down.

function render({ model, el }) {
  const width = model.get("width");
  const height = model.get("height");

  const canvas = document.createElement("canvas");
  canvas.className = "hcr-pad-canvas";
  canvas.style.width = `${width}px`; // on the canvas: ipywidgets takes a width off `el` again
  canvas.style.aspectRatio = `${width} / ${height}`;
  canvas.setAttribute("role", "img");

  const undo = button("Undo", "Undo the last stroke", () => send(model.get("strokes").slice(0, -1)));
  const clear = button("Clear", "Clear the drawing", () => {
    [pointer, stroke] = [null, []]; // a stroke under way goes, too
    send([]);
  });
  const buttons = document.createElement("div");
  buttons.className = "hcr-pad-buttons";
  buttons.append(undo, clear);

  el.classList.add("hcr-pad");
  el.append(canvas, buttons);

  const ink = canvas.getContext("2d");
  let pointer = null; // the one pointer that draws; a resting palm is another
  let stroke = [];

  function send(strokes) {
    model.set("strokes", strokes); // always a new list: a changed old one would not be noticed
    model.save_changes();
  }

  function draw(points, from = 0) {
    ink.beginPath();
    ink.moveTo(...points[from]);
    for (const point of points.slice(from)) ink.lineTo(...point); // a line to itself makes the dot
    ink.stroke();
  }

  function redraw() {
    const strokes = model.get("strokes");
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * scale); // setting it also wipes the canvas
    canvas.height = Math.round(height * scale);
    ink.scale(canvas.width / width, canvas.height / height);
    ink.lineWidth = 2 * model.get("half_width");
    ink.lineCap = ink.lineJoin = "round";
    ink.strokeStyle = getComputedStyle(canvas).color; // follows the theme
    for (const points of [...strokes, stroke]) if (points.length) draw(points);
    canvas.dataset.strokes = strokes.length;
    canvas.setAttribute("aria-label", `Drawing area, ${strokes.length} strokes`);
  }

  function add(event) {
    const box = canvas.getBoundingClientRect();
    const from = Math.max(stroke.length - 1, 0);
    const events = event.getCoalescedEvents?.() ?? [];
    for (const { clientX, clientY } of events.length ? events : [event]) {
      const x = ((clientX - box.left) * width) / box.width;
      const y = ((clientY - box.top) * height) / box.height;
      stroke.push([Math.round(x * 10) / 10, Math.round(y * 10) / 10]);
    }
    draw(stroke, from);
  }

  function start(event) {
    if (pointer !== null || event.button !== 0) return;
    event.preventDefault(); // no text selection, no dragging
    pointer = event.pointerId;
    try {
      canvas.setPointerCapture(pointer); // the end arrives even when the pen has left the pad
    } catch {
      // a pointer made by a script cannot be captured, and need not be
    }
    stroke = [];
    add(event);
  }

  function move(event) {
    if (event.pointerId === pointer) add(event);
  }

  function end(event) {
    if (event.pointerId !== pointer) return;
    pointer = null;
    const finished = stroke;
    stroke = [];
    send([...model.get("strokes"), finished]);
  }

  canvas.addEventListener("pointerdown", start);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  model.on("change:strokes", redraw);
  model.on("change:half_width", redraw);
  const theme = new MutationObserver(redraw);
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] });
  window.addEventListener("resize", redraw); // zooming changes devicePixelRatio
  redraw();

  return () => {
    theme.disconnect();
    window.removeEventListener("resize", redraw);
    model.off("change:strokes", redraw);
    model.off("change:half_width", redraw);
  };
}

function button(text, label, press) {
  const made = document.createElement("button");
  made.dataset.lmSuppressShortcuts = "true"; // on what has the focus: d d must not delete the cell
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", press);
  return made;
}

export default { render };
