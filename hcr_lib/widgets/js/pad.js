// The browser's half of the pads: it puts the parts together, and speaks to Python.

import { Drawing } from "./drawing.js";
import { button, make } from "./dom.js";
import { Link } from "./link.js";
import { Panel } from "./panel.js";
import { Surface } from "./surface.js";
import { Game } from "./game.js";

const SILENT = "No answer from Python: run this cell again, or wait for one that is running.";
const MODES = { char: "a character", word: "a word", page: "lines", auto: "anything" };
const KEYS =
  "Ctrl+Z undo, Ctrl+Shift+Z redo, Delete clear, E eraser, B baseline, [ and ] width of the pen, S sample, " +
  "1 to 6 take a word, Enter add to the text, arrows and space bar draw";

function render({ model, el }) {
  const drawing = new Drawing(model.get("strokes"));
  const panelled = model.get("panel") !== "";
  const surface = new Surface({
    drawing,
    width: model.get("width"),
    height: model.get("height"),
    halfWidth: model.get("half_width"),
  });
  const silence = make("div", { className: "hcr-silence", hidden: true, textContent: SILENT });
  silence.setAttribute("role", "alert");
  const link = new Link({
    send: (message) => model.send({ ...message, half_width: surface.halfWidth }),
    strokes: () => drawing.everything,
    hear: (silent) => {
      silence.hidden = !silent;
      el.classList.toggle("hcr-stale", silent);
      ordered = null; // and lost
      if (game) game.judging = false;
    },
  });

  const eraser = button("Eraser", "Erase strokes (E)", () => erase(!surface.erasing), { aria: { label: "Erase strokes", pressed: false } });
  const baseline = button("Line", "Show a line to write on (B)", () => rule(!surface.baseline), { aria: { label: "Line to write on", pressed: false } });
  const width = make("input", { type: "range", min: 2, max: 24, step: 1, title: "Width of the pen", aria: { label: "Width of the pen" } });
  width.value = surface.halfWidth;
  width.addEventListener("input", () => thicken(Number(width.value)));
  const undo = button("Undo", "Undo the last stroke", () => drawing.undo(), { title: "Undo (Ctrl+Z)" });
  const redo = button("Redo", "Redo", () => drawing.redo(), { title: "Redo (Ctrl+Shift+Z)" });
  const clear = button("Clear", "Clear the drawing", () => drawing.clear(), { title: "Clear the drawing (Delete)" });
  const tools = make("div", { className: "hcr-pad-buttons" }, undo, redo, clear, eraser, baseline, width);

  let panel = null;
  let game = null;
  const playing = model.get("panel") === "game";
  if (panelled) {
    if (!playing) tools.append(button("Sample", "Try a sample (S)", () => order({ op: "sample" })));
    const mode = make("select", { title: "What the pad reads", aria: { label: "What the pad reads" } });
    for (const [value, textContent] of Object.entries(MODES)) mode.append(make("option", { value, textContent }));
    mode.value = model.get("mode");
    mode.addEventListener("change", () => order({ op: "mode", mode: mode.value }));
    panel = new Panel({ order: (message) => playing || order(message), take, surface }); // no help in a game
    if (playing) {
      game = new Game({ order, drawing });
      el.append(game.element);
    } else {
      tools.append(mode);
    }
    const wide = model.get("width") > 1.5 * model.get("height");
    const more = game ? [] : [panel.writing, panel.saving];
    const aside = make("div", { className: "hcr-aside" }, panel.result);
    const board = make("div", { className: "hcr-board" }, surface.element, tools, silence);
    el.append(make("div", { className: `hcr-pad-layout${wide ? " hcr-wide" : ""}` }, aside, board, ...more));
  } else {
    el.append(surface.element, tools, silence);
  }
  el.classList.add("hcr-pad", ...(panelled ? ["hcr-reading"] : []));
  el.style.setProperty("--hcr-width", `${model.get("width")}px`);
  surface.canvas.title = KEYS;
  surface.paint(); // now that the theme's colours apply

  let own = false; // whether it is this view that sets the strokes
  const unwatch = drawing.watch((what) => {
    el.classList.toggle("hcr-drawing", what === "moving");
    if (what === "moving") {
      if (model.get("live")) link.changed(false);
      return;
    }
    own = true;
    model.set("strokes", drawing.strokes); // for other views of this pad; what is new goes to Python by the link
    own = false;
    link.changed(true);
    buttons();
  });

  // A disabled button would lose the focus, and the next key would be the notebook's.
  function buttons() {
    undo.setAttribute("aria-disabled", !drawing.past.length);
    redo.setAttribute("aria-disabled", !drawing.future.length);
  }

  let ordered = null; // the strokes that were there when something was ordered that is not done yet

  // Python has other strokes: a sample, or none, since a word was taken. What was drawn after that was ordered, stays.
  function replaced() {
    if (own) return;
    const later = ordered ? drawing.strokes.filter((stroke) => !ordered.has(stroke)) : [];
    drawing.past.push(drawing.strokes);
    drawing.future = [];
    drawing.strokes = [...model.get("strokes"), ...later];
    surface.paint();
    buttons();
    if (later.length) link.changed(true);
  }

  function order(message) {
    ordered = new Set(drawing.strokes);
    link.order(message);
  }

  function answered() {
    const answer = model.get("answer");
    if (!link.outdated(answer)) {
      const focused = el.contains(document.activeElement) && document.activeElement;
      panel?.show(answer);
      game?.show(answer);
      const lost = focused && (!el.contains(focused) || focused.closest("[hidden]"));
      if (lost) surface.canvas.focus({ preventScroll: true }); // the next key would be the notebook's
    }
    if (!panel) silence.textContent = answer.error || SILENT;
    if (!panel) silence.hidden = !answer.error && !link.silent;
    if (answer.number === link.number && link.op !== "draw") ordered = null;
    link.answered(answer);
  }

  function take(place) {
    const answer = model.get("answer");
    const word = [answer.completions, answer.following][place < 3 ? 0 : 1]?.[place % 3];
    if (word) order({ op: "take", word, completes: place < 3 });
  }

  function erase(on) {
    surface.erasing = on;
    eraser.setAttribute("aria-pressed", on);
    el.classList.toggle("hcr-erasing", on);
  }

  function rule(on) {
    surface.baseline = on;
    baseline.setAttribute("aria-pressed", on);
    surface.paint();
  }

  function thicken(halfWidth) {
    surface.halfWidth = Math.min(Number(width.max), Math.max(Number(width.min), halfWidth));
    width.value = surface.halfWidth;
    surface.paint();
    if (drawing.strokes.length) link.changed(true);
  }

  function key(event) {
    event.stopPropagation(); // a notebook's own keys delete cells
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey) {
      const act = { z: event.shiftKey ? () => drawing.redo() : () => drawing.undo(), y: () => drawing.redo(), s: () => panel?.save() };
      if (key.toLowerCase() in act && target.type !== "text") {
        event.preventDefault();
        act[key.toLowerCase()]();
      }
      return;
    }
    if (["text", "select-one"].includes(target.type) || event.altKey) return;
    const press = {
      e: () => erase(!surface.erasing),
      b: () => rule(!surface.baseline),
      "[": () => thicken(surface.halfWidth - 1),
      "]": () => thicken(surface.halfWidth + 1),
      Delete: () => drawing.clear(),
    };
    if (panel && !game) {
      press.s = () => order({ op: "sample" });
      if (target === surface.canvas) press.Enter = () => order({ op: "accept" });
      for (let place = 0; place < 6; place++) press[place + 1] = () => take(place);
    }
    if (game && target === surface.canvas) press.Enter = () => game.judge();
    if (key in press && !event.shiftKey) {
      event.preventDefault();
      press[key]();
    }
  }

  el.addEventListener("keydown", key);
  for (const name of ["keyup", "keypress"]) el.addEventListener(name, (event) => event.stopPropagation());
  model.on("change:strokes", replaced);
  model.on("change:answer", answered);
  buttons();
  panel?.show({ mode: model.get("mode"), ...model.get("answer") });
  game?.show(model.get("answer"));

  return () => {
    unwatch();
    link.stop();
    game?.stop();
    surface.stop();
    model.off("change:strokes", replaced);
    model.off("change:answer", answered);
  };
}

export default { render };
