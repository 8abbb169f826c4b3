// "Draw a 7": what is asked for, the clock and the score. A drawing is judged when the pen has rested for a while, not
// as soon as it is right: people would stop at half a character.

import { button, make } from "./dom.js";

const REST = 1200; // milliseconds

export class Game {
  constructor({ order, drawing }) {
    Object.assign(this, { order, drawing });
    this.round = {};
    this.ask = make("strong", { className: "hcr-ask", aria: { live: "polite" } });
    this.clock = make("span", { className: "hcr-clock" });
    this.score = make("span", { className: "hcr-score" });
    this.last = make("span", { className: "hcr-last", aria: { live: "polite" } });
    this.start = button("Start", "Start the game", () => order({ op: "game", act: "start" }));
    this.skip = button("Skip", "Skip this character", () => this.judge("skip"));
    this.save = button("Save as my test set", "Add the drawings to my test set", () => order({ op: "game", act: "save" }));
    const parts = [this.ask, this.clock, this.score, this.start, this.skip, this.save, this.last];
    this.element = make("div", { className: "hcr-game" }, ...parts);
    this.unwatch = drawing.watch(() => {
      clearTimeout(this.timer); // drawing goes on
      this.lifted = performance.now();
    });
    this.ticking = setInterval(() => this.tick(), 100);
  }

  get seconds() {
    return (performance.now() - this.since) / 1000;
  }

  tick() {
    this.clock.textContent = this.round.ask ? `${this.seconds.toFixed(1)} s` : "";
    if (this.round.ask && this.seconds > this.round.limit && !this.judging) this.judge();
  }

  // The answer to a drawing has come; it counts when nothing more is drawn for a while.
  show({ game, reading, settled = true, notice = "" }) {
    if (!game) return;
    if (game.turn !== this.round.turn) {
      this.since = performance.now();
      this.judging = false;
    }
    this.round = game;
    this.ask.textContent = game.ask ? `Draw ${game.article} ${game.ask}` : "Draw what you are asked for.";
    this.score.textContent = game.ask || game.played ? `${game.right} of ${game.played} right, ${game.points} points; ${game.of} in all` : "";
    this.last.textContent = game.last;
    this.start.textContent = game.ask || game.played ? "Start again" : "Start";
    this.skip.hidden = !game.ask;
    this.save.hidden = Boolean(game.ask) || !game.played;
    clearTimeout(this.timer);
    if (game.ask && settled && (reading || notice) && !this.judging) this.timer = setTimeout(() => this.judge(), REST);
  }

  judge(act = "judge") {
    if (!this.round.ask || this.judging) return;
    clearTimeout(this.timer);
    this.judging = true;
    const taken = act === "judge" && this.drawing.strokes.length ? (this.lifted - this.since) / 1000 : this.seconds;
    this.order({ op: "game", act, seconds: taken });
  }

  stop() {
    this.unwatch();
    clearTimeout(this.timer);
    clearInterval(this.ticking);
  }
}
