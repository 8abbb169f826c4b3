// Elements of the pad.

// Makes an element with properties, and `data`, `style` and `aria` among them.
export function make(tag, { data = {}, style = {}, aria = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  Object.assign(made.dataset, data);
  Object.assign(made.style, style);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
  if (["BUTTON", "INPUT", "SELECT", "CANVAS"].includes(made.tagName)) {
    made.dataset.lmSuppressShortcuts = "true"; // on what has the focus: d d must not delete the cell
  }
  made.append(...children);
  return made;
}

export function button(text, label, press, properties = {}) {
  const made = make("button", { type: "button", title: label, aria: { label }, ...properties }, text);
  made.addEventListener("click", press);
  return made;
}

// Shows ink, bytes in base64, as black on white.
export function picture(label) {
  const canvas = make("canvas", { className: "hcr-seen" });
  canvas.setAttribute("role", "img");
  canvas.show = (seen) => {
    canvas.hidden = !seen;
    if (!seen) return;
    const { width, height } = seen;
    const ink = Uint8Array.from(atob(seen.ink), (char) => char.charCodeAt(0));
    Object.assign(canvas, { width, height });
    const scale = Math.max(1, Math.min(4, Math.floor(340 / width)));
    canvas.style.setProperty("--hcr-seen-width", `${scale * width}px`);
    canvas.style.setProperty("--hcr-seen-ratio", width / height);
    const pixels = new ImageData(width, height);
    ink.forEach((value, place) => pixels.data.set([255 - value, 255 - value, 255 - value, 255], 4 * place));
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    canvas.setAttribute("aria-label", `${label}, ${width} by ${height} pixels`);
  };
  return canvas;
}
