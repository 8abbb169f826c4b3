// Makes ipywidgets' own controls safe and readable: no key on one of them reaches the notebook, whose d d deletes a
// cell; sliders have names, and pictures say what they show.

function render({ model, el }) {
  el.style.display = "none";
  let box = null;

  const keep = ({ target }) => (target.dataset.lmSuppressShortcuts = "true");
  const stop = (event) => event.stopPropagation();

  function name() {
    for (const image of box.querySelectorAll("img.widget-image")) image.alt = model.get("alt");
    for (const handle of box.querySelectorAll(".noUi-handle")) {
      const label = handle.closest(".widget-slider, .jupyter-widgets")?.querySelector(".widget-label");
      if (label) handle.setAttribute("aria-label", label.textContent);
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
    model.on("change:alt", name);
    name();
  }

  begin();
  return () => {
    children.disconnect();
    model.off("change:alt", name);
    box?.removeEventListener("focusin", keep);
    for (const kind of ["keydown", "keyup", "keypress"]) box?.removeEventListener(kind, stop);
  };
}

export default { render };
