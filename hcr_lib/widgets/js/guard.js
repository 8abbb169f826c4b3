// Makes ipywidgets' own controls safe and readable: no key on one of them reaches the notebook, whose d d deletes a
// cell; all have names, pictures say what they show, and messages are read out.

function render({ model, el }) {
  el.style.display = "none";
  let box = null;

  const keep = ({ target }) => (target.dataset.lmSuppressShortcuts = "true");
  const stop = (event) => event.stopPropagation();

  function name() {
    const alts = model.get("alts");
    box.querySelectorAll("img.widget-image").forEach((image, k) => (image.alt = alts[k] ?? ""));
    for (const part of box.querySelectorAll(".noUi-handle, .widget-readout")) {
      const label = part.closest(".widget-slider, .jupyter-widgets")?.querySelector(".widget-label");
      if (label) part.setAttribute("aria-label", label.textContent);
    }
    for (const player of box.querySelectorAll(".widget-play")) {
      [...player.querySelectorAll("button")].forEach((button, k) => {
        const label = [button.querySelector(".fa-pause") ? "Pause" : "Play", "Stop", "Repeat"][k];
        Object.assign(button, { title: label, ariaLabel: label });
      });
    }
    for (const words of box.querySelectorAll(".hcr-message > .widget-html-content")) {
      words.ariaLive = "polite";
      words.style.lineHeight = "1.25"; // two lines fit where a control does
    }
  }

  const children = new MutationObserver(name);

  // The box is not there yet when its children are made.
  function begin(tries = 100) {
    box = el.parentElement;
    if (!box) {
      if (tries) requestAnimationFrame(() => begin(tries - 1));
      return;
    }
    box.addEventListener("focusin", keep);
    for (const kind of ["keydown", "keyup", "keypress"]) box.addEventListener(kind, stop);
    children.observe(box, { childList: true, subtree: true });
    model.on("change:alts", name);
    name();
  }

  begin();
  return () => {
    children.disconnect();
    model.off("change:alts", name);
    box?.removeEventListener("focusin", keep);
    for (const kind of ["keydown", "keyup", "keypress"]) box?.removeEventListener(kind, stop);
  };
}

export default { render };
