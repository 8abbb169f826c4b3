// A drawing with its history. It knows of no page and no kernel.

export const MOST_POINTS = 5000; // of a drawing, as in _engine.py
const MOST_STEPS = 200; // that can be undone
const NEAREST = 1; // pixels between two points: a fast mouse reports many more than a line needs

export class Drawing {
  constructor(strokes = []) {
    this.strokes = strokes; // each edit makes a new list; its strokes never change
    this.current = null; // the stroke under the pen
    this.past = [];
    this.future = [];
    this.watchers = new Set();
  }

  // Calls `watcher("moving")` for every new point and `watcher("changed")` for every edit; returns how to end that.
  watch(watcher) {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  tell(what) {
    for (const watcher of [...this.watchers]) watcher(what);
  }

  get everything() {
    return this.current ? [...this.strokes, this.current] : this.strokes;
  }

  get full() {
    return this.everything.reduce((sum, stroke) => sum + stroke.length, 0) >= MOST_POINTS;
  }

  begin(x, y) {
    if (this.full) return;
    this.current = [rounded(x, y)];
    this.tell("moving");
  }

  extend(x, y) {
    if (!this.current || this.full) return;
    const [lastX, lastY] = this.current.at(-1);
    if (Math.hypot(x - lastX, y - lastY) < NEAREST) return;
    this.current.push(rounded(x, y));
    this.tell("moving");
  }

  end() {
    if (!this.current) return;
    const finished = this.current;
    this.current = null;
    this.edit([...this.strokes, finished]);
  }

  edit(strokes) {
    this.past.push(this.strokes);
    if (this.past.length > MOST_STEPS) this.past.shift();
    this.future = [];
    this.strokes = strokes;
    this.tell("changed");
  }

  undo() {
    this.step(this.past, this.future);
  }

  redo() {
    this.step(this.future, this.past);
  }

  step(from, to) {
    this.current = null;
    if (from.length) {
      to.push(this.strokes);
      this.strokes = from.pop();
    }
    this.tell("changed");
  }

  clear() {
    this.current = null; // a stroke under way goes, too
    if (this.strokes.length) this.edit([]);
    else this.tell("changed");
  }

  // Takes away the strokes that come near the way from one point to another.
  erase([fromX, fromY], [toX, toY], radius) {
    const steps = Math.ceil(Math.hypot(toX - fromX, toY - fromY) / radius) || 1;
    const way = Array.from({ length: steps + 1 }, (_, step) => step / steps);
    const near = (stroke, share) => touches(stroke, fromX + share * (toX - fromX), fromY + share * (toY - fromY), radius);
    const left = this.strokes.filter((stroke) => !way.some((share) => near(stroke, share)));
    if (left.length < this.strokes.length) this.edit(left);
  }
}

// Whether a stroke comes nearer to a point than `radius`.
export function touches(stroke, x, y, radius) {
  return stroke.some(([toX, toY], place) => {
    const [fromX, fromY] = stroke[Math.max(0, place - 1)];
    const [dx, dy] = [toX - fromX, toY - fromY];
    const along = ((x - fromX) * dx + (y - fromY) * dy) / (dx * dx + dy * dy || 1);
    const share = Math.min(1, Math.max(0, along));
    return Math.hypot(x - fromX - share * dx, y - fromY - share * dy) < radius;
  });
}

function rounded(x, y) {
  return [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
}
