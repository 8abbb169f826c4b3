// The pad as a page of its own: what stands in for Python. Characters are read here; words, and what may follow them, by
// the server that `python -m hcr_lib pad` is, if this page comes from one.

import { CharacterReader } from "./network.js";
import { render } from "./pad.js";

const NEEDS_PYTHON = "Words and lines need Python: open the lesson in Jupyter, or run python -m hcr_lib pad. Here, draw one character.";
const NOT_SAVED = "This page saves nothing; the pad of the lesson does.";
const BUSY = "The server takes its time; the answer comes here.";
const GONE = "The server does not answer. Is it still running, and is this the address that it printed?";
const PATIENCE = 1600; // milliseconds, less than Link's
const LONGEST = 1000; // of the text so far
const SHARED = 0.5; // by two boxes, and they are of one letter: as `corrected` in _engine.py
const MARGIN = 0.15; // around a sample

// What Inbox in _engine.py does.
class Arrivals {
  take({ session, more, drawing }) {
    if (session !== this.session) [this.session, this.known] = [session, []];
    for (const [number, points] of more) (this.known[number] ??= []).push(...points);
    return drawing.map((number) => this.known[number].slice());
  }
}

// What anywidget hands to a widget, without Python behind it.
export class Stand {
  constructor({ reader, samples, server, width, height }) {
    Object.assign(this, { reader, samples, server });
    this.state = { width, height, half_width: 10, strokes: [], live: true, panel: "reading", answer: {}, mode: server ? "auto" : "char" };
    this.listeners = {};
    this.arrivals = new Arrivals();
    this.text = "";
    this.guess = this.read([], true);
    this.corrections = [];
    this.newest = 0;
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    this.state[name] = value;
    for (const listener of this.listeners[`change:${name}`] ?? []) listener();
  }

  on(name, listener) {
    (this.listeners[name] ??= []).push(listener);
  }

  off(name, listener) {
    this.listeners[name] = this.listeners[name].filter((other) => other !== listener);
  }

  read(strokes, settled) {
    const { width, height, half_width: halfWidth } = this.state;
    return this.reader.guess(strokes, height, width, halfWidth, settled);
  }

  get wholeWords() {
    return this.state.mode !== "char" && (this.state.mode !== "auto" || this.guess.reading.length > 1);
  }

  // The text with what is on the pad and, in the place of the word being written or behind it, another word.
  accepted(word = "", completes = false) {
    const whole = this.text + this.guess.reading;
    if (!word) return whole + (this.wholeWords && this.guess.reading ? " " : "");
    return completes ? `${whole.replace(/[^ \n]*$/, "")}${word} ` : `${whole.replace(/ +$/, "")} ${word} `;
  }

  async send(message) {
    const mine = (this.newest = message.number);
    const publish = (more) => this.set("answer", { number: mine, ...this.shown, ...more });
    try {
      this.settled = message.settled ?? true;
      const more = this.obey(message) ?? {};
      const { mode, strokes } = this.state;
      this.shown = { settled: this.settled, mode, text: this.text };
      const here = mode === "char" || !strokes.length;
      if (!here && !this.server) return publish({ ...this.guess, reading: "", letters: [], error: NEEDS_PYTHON });
      if (!this.settled && !here) return publish(this.guess); // while the pen moves, only this page's own network reads
      if (this.server && this.settled && (!here || this.text)) {
        const slow = setTimeout(() => publish({ ...this.guess, notice: BUSY }), PATIENCE);
        const answer = await this.ask(here).finally(() => clearTimeout(slow));
        if (this.newest !== mine) return; // drawn since; Link gave this one up, or the busy notice let it go on
        if (!here) this.guess = corrected(answer, this.corrections);
        Object.assign(this.shown, { completions: answer.completions, following: answer.following });
      }
      publish({ ...this.guess, ...more });
    } catch (error) {
      if (this.newest === mine) publish({ ...this.guess, error: error.message });
    }
  }

  async ask(here) {
    const { width, height, half_width, mode, strokes } = this.state;
    const body = JSON.stringify({ strokes: here ? [] : strokes, width, height, half_width, mode, text: this.text, reading: here ? this.guess.reading : "" });
    const response = await fetch(`read${location.search}`, { method: "POST", body }).catch(() => null);
    if (!response) throw new Error(GONE);
    if (!response.ok) throw new Error((await response.text()) || GONE);
    return response.json();
  }

  // Does what a message asks for: what ReadingPad in _pad.py does.
  obey(message) {
    const { op } = message;
    if (op === "draw") {
      this.state.half_width = message.half_width;
      this.replace(this.arrivals.take(message), false);
    } else if (op === "sample") {
      this.sample();
    } else if (op === "mode") {
      this.state.mode = message.mode;
      this.replace(this.state.strokes, false);
    } else if (op === "correct") {
      this.corrections.push([this.guess.letters[message.letter].box, message.char]);
      this.guess = corrected(this.guess, this.corrections);
    } else if (op === "save") {
      return { saved: NOT_SAVED };
    } else {
      const texts = { text: () => message.text, accept: () => this.accepted(), take: () => this.accepted(message.word, message.completes) };
      this.text = texts[op]().slice(-LONGEST);
      if (op !== "text") this.replace([], true);
    }
    return {};
  }

  replace(strokes, shown) {
    if (shown) this.set("strokes", strokes);
    else this.state.strokes = strokes;
    if (!strokes.length) this.corrections = [];
    const nothing = { reading: "", notice: "", letters: [], seen: null };
    if (this.state.mode === "char" || !strokes.length) this.guess = corrected(this.read(strokes, this.settled), this.corrections);
    else if (this.settled) this.guess = nothing; // the server will say
  }

  sample() {
    const words = this.state.mode !== "char" && this.server;
    const own = this.samples[words ? "words" : "characters"];
    const strokes = own[Math.floor(Math.random() * own.length)];
    const { width, height } = this.state;
    const [xs, ys] = [0, 1].map((axis) => strokes.flat().map((point) => point[axis]));
    const [middleX, middleY] = [xs, ys].map((all) => (Math.min(...all) + Math.max(...all)) / 2);
    const margin = MARGIN * Math.min(width, height);
    const room = [[width, xs], [height, ys]].map(([side, all]) => (side - 2 * margin) / Math.max(1, Math.max(...all) - Math.min(...all)));
    const scale = Math.min(...room);
    this.replace(strokes.map((stroke) => stroke.map(([x, y]) => [width / 2 + scale * (x - middleX), height / 2 + scale * (y - middleY)])), true);
  }
}

// As `corrected` in _engine.py, where the letters are those of the text; else the text stays.
function corrected(guess, corrections) {
  const letters = guess.letters.map((letter) => {
    let now = letter;
    for (const [box, char] of corrections) {
      if (now.char === char || overlap(box, now.box) <= SHARED) continue;
      const others = now.rivals.filter(([other]) => other !== char);
      now = { ...now, char, share: 1, rivals: [[now.char, now.share], ...others].slice(0, 3) };
    }
    return now;
  });
  if (letters.length !== [...guess.reading].filter((char) => char.trim()).length) return { ...guess, letters };
  let next = 0;
  return { ...guess, letters, reading: [...guess.reading].map((char) => (char.trim() ? letters[next++].char : char)).join("") };
}

function overlap(one, other) {
  const side = (k) => Math.max(0, Math.min(one[k + 2], other[k + 2]) - Math.max(one[k], other[k]));
  const area = ([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);
  const shared = side(0) * side(1);
  return shared / Math.max(1, area(one) + area(other) - shared);
}

const given = (name) => JSON.parse(document.getElementById(`hcr-${name}`).textContent);

async function open() {
  const place = document.getElementById("hcr-pad");
  try {
    const backend = await tf.begin();
    const reader = new CharacterReader(tf, given("record"), document.getElementById("hcr-weights").textContent.trim());
    reader.guess([[[100, 100], [100, 300]]], 400, 400, 10, true); // the first reading is slow
    const { server } = given("settings");
    const [width, height] = server ? [640, 320] : [400, 400];
    const model = new Stand({ reader, samples: given("samples"), server, width, height });
    document.getElementById(server ? "hcr-served" : "hcr-alone").hidden = false;
    place.replaceChildren();
    render({ model, el: place });
    window.hcr = { reader, model, backend }; // for tests
  } catch (error) {
    place.textContent = `This browser cannot run the network: ${error.message}`;
    throw error;
  }
}

open();
