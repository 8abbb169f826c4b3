// What one draws on: a canvas for mouse, finger, pen and keys, and boxes around the letters. No kernel is needed.

import { make } from "./dom.js";

const STEP = 10; // pixels that an arrow key moves the pen
const ERASER = 12; // pixels around the eraser

export class Surface {
  constructor({ drawing, width, height, halfWidth }) {
    Object.assign(this, { drawing, width, height, halfWidth });
    this.erasing = this.baseline = false;
    this.pointer = null; // the one pointer that draws; a resting palm is another
    this.cursor = null; // where the keys have moved the pen
    this.canvas = make("canvas", { className: "hcr-pad-canvas", tabIndex: 0 });
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-roledescription", "drawing area");
    this.boxes = make("div", { className: "hcr-pad-boxes" });
    this.element = make("div", { className: "hcr-pad-stage" }, this.canvas, this.boxes);
    this.element.style.setProperty("--hcr-width", `${width}px`);
    this.element.style.setProperty("--hcr-ratio", width / height);
    this.ink = this.canvas.getContext("2d");
    const on = (name, listener) => this.canvas.addEventListener(name, listener);
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => event.pointerId === this.pointer && this.track(event));
    on("pointerup", (event) => this.up(event));
    on("pointercancel", (event) => this.up(event));
    on("keydown", (event) => this.key(event));
    on("blur", () => this.lift());
    const repaint = () => this.paint();
    const unwatch = drawing.watch((what) => (what === "moving" ? this.follow() : this.paint()));
    const theme = new MutationObserver(repaint);
    theme.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind", "class"] });
    window.addEventListener("resize", repaint); // zooming changes devicePixelRatio
    this.stop = () => {
      unwatch();
      theme.disconnect();
      window.removeEventListener("resize", repaint);
    };
    this.paint();
  }

  paint() {
    const { canvas, ink, width, height } = this;
    const { strokes, everything } = this.drawing;
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * scale); // setting it also wipes the canvas
    canvas.height = Math.round(height * scale);
    ink.scale(canvas.width / width, canvas.height / height);
    ink.lineCap = ink.lineJoin = "round";
    const colour = (ink.strokeStyle = getComputedStyle(canvas).color); // follows the theme
    if (this.baseline) {
      ink.globalAlpha = 0.35;
      ink.lineWidth = 1;
      this.line([[0, height * 0.7], [width, height * 0.7]]);
      ink.globalAlpha = 1;
    }
    ink.lineWidth = 2 * this.halfWidth;
    this.painted = 0;
    for (const points of everything) this.line(points);
    if (this.drawing.current) this.painted = this.drawing.current.length - 1;
    if (this.cursor) {
      ink.lineWidth = 2;
      ink.beginPath();
      ink.arc(...this.cursor, this.halfWidth + 4, 0, 2 * Math.PI);
      ink.stroke();
      ink.lineWidth = 2 * this.halfWidth;
    }
    ink.strokeStyle = colour;
    canvas.dataset.strokes = strokes.length;
    const count = `${strokes.length} ${strokes.length === 1 ? "stroke" : "strokes"}`;
    canvas.setAttribute("aria-label", `Drawing area, ${count}. Arrow keys move the pen, the space bar sets it down.`);
  }

  // Draws what is new of the stroke under the pen.
  follow() {
    if (this.cursor) return this.paint();
    const { current } = this.drawing;
    if (current.length === 1) this.painted = 0;
    this.line(current.slice(this.painted));
    this.painted = current.length - 1;
  }

  line(points) {
    if (!points.length) return;
    this.ink.beginPath();
    this.ink.moveTo(...points[0]);
    for (const point of points) this.ink.lineTo(...point); // a line to itself makes the dot
    this.ink.stroke();
  }

  down(event) {
    if (this.pointer !== null || event.button !== 0) return;
    event.preventDefault(); // no text selection, no dragging
    this.canvas.focus({ preventScroll: true });
    this.lift();
    this.pointer = event.pointerId;
    try {
      this.canvas.setPointerCapture(this.pointer); // the end arrives even when the pen has left the pad
    } catch {
      // a pointer made by a script cannot be captured, and need not be
    }
    this.before = null;
    this.track(event);
  }

  track(event) {
    const box = this.canvas.getBoundingClientRect();
    const events = event.getCoalescedEvents?.() ?? [];
    for (const { clientX, clientY } of events.length ? events : [event]) {
      const x = ((clientX - box.left) * this.width) / box.width;
      const y = ((clientY - box.top) * this.height) / box.height;
      if (this.erasing) this.drawing.erase(this.before ?? [x, y], [x, y], this.halfWidth + ERASER);
      else if (this.before) this.drawing.extend(x, y);
      else this.drawing.begin(x, y);
      this.before = [x, y];
    }
  }

  up(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.drawing.end();
  }

  key(event) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || (!move && event.key !== " ")) return;
    event.preventDefault(); // the page does not scroll
    this.cursor ??= [this.width / 2, this.height / 2];
    if (move) {
      const limits = [this.width, this.height];
      this.cursor = this.cursor.map((at, k) => Math.min(limits[k], Math.max(0, at + STEP * move[k])));
      this.drawing.extend(...this.cursor);
    } else if (this.erasing) {
      this.drawing.erase(this.cursor, this.cursor, this.halfWidth + ERASER);
    } else if (this.drawing.current) {
      this.drawing.end();
    } else {
      this.drawing.begin(...this.cursor);
    }
    this.paint();
  }

  // Ends what the keys have begun.
  lift() {
    if (!this.cursor) return;
    this.cursor = null;
    this.drawing.end();
    this.paint();
  }

  // Puts a box on each letter, with a tab to choose it.
  frame(letters, chosen, choose) {
    this.boxes.replaceChildren(
      ...letters.map(({ char, box: [x0, y0, x1, y1] }, k) => {
        const tab = make("button", { type: "button", tabIndex: -1, textContent: char, aria: { hidden: true } });
        tab.addEventListener("click", () => choose(k));
        const [left, top] = [(100 * x0) / this.width, (100 * y0) / this.height];
        const [wide, high] = [(100 * (x1 - x0)) / this.width, (100 * (y1 - y0)) / this.height];
        const style = { left: `${left}%`, top: `${top}%`, width: `${wide}%`, height: `${high}%` };
        return make("div", { className: `hcr-pad-box${k === chosen ? " hcr-chosen" : ""}`, style }, tab);
      }),
    );
  }
}
