// What a reader says of a drawing, as elements that keep their place while they change. No kernel is needed: `show`
// takes what Guess.to_dict and Text in _engine.py give, and `order` is called with what the person wants.

import { button, make, picture } from "./dom.js";

const ROWS = 4; // an answer and its rivals
const LONGEST_LABEL = 60; // characters of what is saved, as in datasets/_drawings.py
const INVITATION = "Draw on the pad.";

export class Panel {
  constructor({ order, take, surface }) {
    Object.assign(this, { order, take, surface });
    this.letters = [];
    this.chosen = null;
    this.text = make("div", { className: "hcr-result-text" });
    this.notice = make("div", { className: "hcr-notice" });
    this.live = make("div", { className: "hcr-unseen", aria: { live: "polite", atomic: "true" } });
    this.bars = Array.from({ length: ROWS }, (_, row) => {
      const bar = make("span", { className: "hcr-result-bar" });
      const parts = [make("span", { className: "hcr-char" }), make("span", { className: "hcr-track" }, bar), make("span", { className: "hcr-share" })];
      const made = make("button", { type: "button", className: "hcr-row" }, ...parts);
      made.addEventListener("click", () => this.correct(made.dataset.char));
      return { made, bar, char: parts[0], share: parts[2] };
    });
    this.seen = picture("What the network sees");
    this.caption = make("div", { className: "hcr-caption" }, "What the network sees:");
    const answers = make("div", { className: "hcr-bars" }, ...this.bars.map(({ made }) => made));
    const sight = make("div", { className: "hcr-sight" }, this.caption, this.seen);
    this.head = make("div", { className: "hcr-head" }, this.notice);
    this.result = make("div", { className: "hcr-result" }, this.head, answers, sight, this.live);
    this.says(INVITATION);

    this.soFar = make("input", { type: "text", className: "hcr-so-far", placeholder: "your text", aria: { label: "Text so far" } });
    this.soFar.addEventListener("change", () => order({ op: "text", text: this.soFar.value }));
    this.words = [0, 1, 2, 3, 4, 5].map((place) =>
      button("", "", () => take(place), { className: "hcr-word", hidden: true }),
    );
    this.writing = make(
      "div",
      { className: "hcr-writing" },
      this.soFar,
      button("Add", "Add what was read to the text (Enter)", () => order({ op: "accept" })),
      button("Space", "Add a space to the text", () => order({ op: "text", text: `${this.soFar.value} ` })),
      ...this.words,
    );
    this.label = make("input", { type: "text", className: "hcr-label", aria: { label: "What you drew, for saving" } });
    this.status = make("span", { className: "hcr-status", aria: { live: "polite" } });
    this.saving = make(
      "div",
      { className: "hcr-saving" },
      make("span", {}, "It says"),
      this.label,
      button("Save", "Save the drawing with this label (Ctrl+S)", () => this.save()),
      this.status,
    );
  }

  says(words) {
    if (this.notice.textContent !== words) this.notice.textContent = words;
    this.notice.hidden = !words;
  }

  save() {
    this.order({ op: "save", label: this.label.value || this.answer?.reading || "" });
  }

  show(answer) {
    this.answer = answer;
    const { reading = "", letters = [], seen = null, notice = "", error = "", settled = true } = answer;
    if (letters.length !== this.letters.length) this.chosen = null;
    this.letters = letters;
    this.says(error || notice || (reading || seen ? "" : INVITATION));
    this.spell(reading, letters);
    this.rank();
    this.seen.show(seen);
    this.caption.hidden = !seen;
    if (document.activeElement !== this.soFar && "text" in answer) this.soFar.value = answer.text;
    const words = [...fill(answer.completions), ...fill(answer.following)];
    this.words.forEach((made, place) => {
      const word = words[place];
      made.hidden = !word;
      if (!word || made.textContent === word) return;
      made.textContent = word;
      const label = `${place < 3 ? "Write" : "Go on with"} ${word} (key ${place + 1})`;
      made.setAttribute("aria-label", label);
      made.title = label;
    });
    const one = answer.mode === "char";
    this.label.maxLength = one ? 1 : LONGEST_LABEL;
    this.label.classList.toggle("hcr-one", one);
    if (document.activeElement !== this.label) this.label.value = reading.includes("\n") ? "" : reading;
    this.status.textContent = answer.saved ?? "";
    this.result.classList.toggle("hcr-moving", !settled);
    if (!settled) return; // a screen reader would not keep up
    const rivals = letters.length === 1 ? letters[0].rivals.slice(0, 2).map(([char]) => char) : [];
    const said = reading && `${reading}${rivals.length ? `, or ${rivals.join(" or ")}` : ""}`;
    this.live.textContent = [error || notice, said].filter(Boolean).join(" ");
  }

  // The text, each letter of which can be chosen.
  spell(reading, letters) {
    if (!reading) return this.text.remove();
    if (!this.text.isConnected) this.head.prepend(this.text);
    this.text.classList.toggle("hcr-result-long", reading.length > 8);
    const plain = letters.length < 2 || [...reading].filter((char) => char.trim()).length !== letters.length;
    if (plain) {
      this.text.textContent = reading;
    } else {
      let next = 0;
      const children = [...reading].map((char) => {
        if (!char.trim()) return char;
        const place = next++;
        const percent = `${Math.round(100 * letters[place].share)} %`;
        const level = make("i", { style: { width: `${100 * letters[place].share}%` } });
        const label = `${char}, ${percent}: see its rivals, or type what it is`;
        const made = button(char, label, () => this.choose(place), { className: "hcr-letter" });
        made.append(level);
        made.classList.toggle("hcr-chosen", place === this.chosen);
        made.addEventListener("keydown", (event) => this.typed(event, place));
        return made;
      });
      const focused = [...this.text.children].indexOf(document.activeElement);
      this.text.replaceChildren(...children);
      if (focused >= 0) this.text.children[focused]?.focus();
    }
    this.surface.frame(plain ? [] : letters, this.chosen, (place) => this.choose(place));
  }

  // The rivals of the letter that was chosen, else of the least sure one.
  rank() {
    const shares = this.letters.map(({ share }) => share);
    this.ranked = this.chosen ?? shares.indexOf(Math.min(...shares));
    const letter = this.letters[this.ranked];
    const rows = letter ? [[letter.char, letter.share], ...letter.rivals] : [];
    if (!letter) this.surface.frame([]);
    this.bars.forEach(({ made, bar, char, share }, row) => {
      made.hidden = !rows[row];
      if (!rows[row]) return;
      const percent = `${Math.round(100 * rows[row][1])} %`;
      made.dataset.char = char.textContent = rows[row][0];
      bar.style.width = `${100 * rows[row][1]}%`;
      share.textContent = percent;
      made.setAttribute("aria-label", `${rows[row][0]}, ${percent}${row ? ": choose it" : ""}`);
    });
  }

  choose(place) {
    this.chosen = this.chosen === place ? null : place;
    this.spell(this.answer.reading, this.letters);
    this.rank();
    this.text.children[place]?.focus();
  }

  typed(event, place) {
    if (event.key.length !== 1 || event.key === " " || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.order({ op: "correct", letter: place, char: event.key });
  }

  correct(char) {
    if (this.letters.length) this.order({ op: "correct", letter: this.ranked, char });
  }
}

function fill(words = []) {
  return [0, 1, 2].map((place) => words[place]);
}
