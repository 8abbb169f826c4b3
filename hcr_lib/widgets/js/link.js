// How drawings reach a reader that takes its time: each point once, one message at a time, and what is out of date is
// never sent. The reader may be Python or anything else that answers.

const MOST_SENT = 15_000; // points in one session, a good deal fewer than _engine.py keeps

// Which points were sent already; see Inbox in _engine.py for the messages.
export class Outbox {
  constructor() {
    this.restart();
  }

  restart() {
    this.session = Math.random().toString(36).slice(2);
    this.sent = new WeakMap();
    this.strokes = this.points = 0;
  }

  pack(strokes) {
    if (this.points > MOST_SENT) this.restart();
    const more = [];
    const drawing = strokes.map((stroke) => {
      let known = this.sent.get(stroke);
      if (!known) this.sent.set(stroke, (known = { number: this.strokes++, length: 0 }));
      if (known.length < stroke.length) {
        more.push([known.number, stroke.slice(known.length)]);
        this.points += stroke.length - known.length;
        known.length = stroke.length;
      }
      return known.number;
    });
    return { session: this.session, more, drawing };
  }
}

export class Link {
  // `send(message)` posts a message, `strokes()` returns the drawing as it is now, and `hear(silent)` is told when no
  // answer has come in time, and when one comes after all.
  constructor({ send, strokes, hear, every = 200, patience = 2000 }) {
    Object.assign(this, { send, strokes, hear, every, patience });
    this.outbox = new Outbox();
    this.orders = [];
    this.wanted = null; // what of the drawing is still to be sent: "moving" or "settled"
    this.number = 0; // of the last message
    this.waiting = false;
    this.silent = false;
    this.last = -Infinity;
  }

  // The drawing has changed; while the pen moves only so many readings a second are asked for.
  changed(settled) {
    if (settled) this.wanted = "settled";
    else if (!this.silent) this.wanted ??= "moving";
    this.pump();
  }

  // What was drawn before an order is sent before it, and what is drawn afterwards after it.
  order(message) {
    if (this.wanted) this.orders.push({ drawn: this.strokes() });
    this.wanted = null;
    this.orders.push(message);
    this.pump();
  }

  pump() {
    if (this.waiting) return;
    clearTimeout(this.later);
    if (this.wanted === "moving" && !this.orders.length) {
      const rest = this.last + this.every - performance.now();
      if (rest > 0) {
        this.later = setTimeout(() => this.pump(), rest);
        return;
      }
    }
    if (this.orders.length) {
      const order = this.orders.shift();
      if (order.drawn) this.draw(order.drawn, true);
      else this.post(order);
    } else if (this.wanted) {
      const settled = this.wanted === "settled";
      this.wanted = null;
      this.draw(this.strokes(), settled);
    }
  }

  draw(strokes, settled) {
    this.last = performance.now();
    this.post({ op: "draw", settled, ...this.outbox.pack(strokes) });
  }

  post(message) {
    this.waiting = true;
    this.op = message.op;
    this.timer = setTimeout(() => this.giveUp(), this.patience);
    try {
      this.send({ number: ++this.number, ...message });
    } catch {
      this.giveUp(); // the connection is known to be gone
    }
  }

  giveUp() {
    clearTimeout(this.timer);
    this.waiting = false;
    this.silent = true;
    this.orders = [];
    this.outbox.restart(); // whoever answers next knows nothing
    this.hear(true);
  }

  // Whether an answer reads a drawing that has been edited since: a newer reading is on its way.
  outdated({ number }) {
    return number === this.number && this.op === "draw" && this.wanted === "settled";
  }

  answered({ number, again }) {
    if (number !== this.number) return;
    clearTimeout(this.timer);
    this.waiting = false;
    if (this.silent) this.hear((this.silent = false));
    if (again) {
      this.outbox.restart();
      this.orders.unshift({ drawn: this.strokes() });
    }
    this.pump();
  }

  stop() {
    clearTimeout(this.timer);
    clearTimeout(this.later);
  }
}
