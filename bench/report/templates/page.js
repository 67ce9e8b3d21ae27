// The page's script: values of marks, under the pointer or by the arrow keys, and folds that open
// at the target of a link. Nothing is loaded and nothing is sent.
(() => {
  "use strict";
  const NEAR = 28;

  for (const drawing of document.querySelectorAll("[data-marks]")) {
    const marks = JSON.parse(drawing.dataset.marks);
    const ring = document.createElement("span");
    const tip = document.createElement("output");
    ring.className = "ring";
    let current = -1;

    const hide = () => { current = -1; ring.remove(); tip.remove(); };
    const show = (index) => {
      if (index === current) return;
      current = index;
      const [x, y, text] = marks[index];
      ring.style.left = `${x / 10}%`;
      ring.style.top = `${y / 10}%`;
      tip.textContent = text;
      drawing.append(ring, tip);
      const { width, height } = drawing.getBoundingClientRect();
      tip.style.left = `${Math.max(0, Math.min((x / 1000) * width - tip.offsetWidth / 2, width - tip.offsetWidth))}px`;
      const above = (y / 1000) * height - tip.offsetHeight - 12;
      tip.style.top = `${above < 0 ? (y / 1000) * height + 12 : above}px`;
    };

    drawing.addEventListener("pointermove", (event) => {
      const box = drawing.getBoundingClientRect();
      const distance = ([x, y]) =>
        Math.hypot(box.left + (x / 1000) * box.width - event.clientX, box.top + (y / 1000) * box.height - event.clientY);
      let best = 0;
      marks.forEach((mark, index) => { if (distance(mark) < distance(marks[best])) best = index; });
      if (distance(marks[best]) < NEAR) show(best);
      else hide();
    });
    drawing.addEventListener("pointerleave", hide);
    drawing.addEventListener("blur", hide);
    drawing.addEventListener("focus", () => { if (drawing.matches(":focus-visible")) show(0); });
    drawing.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
      if (event.key === "Escape") hide();
      if (!(event.key in steps)) return;
      event.preventDefault();
      show((Math.max(current, steps[event.key] > 0 ? -1 : 0) + steps[event.key] + marks.length) % marks.length);
    });
  }

  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    target.querySelector(":scope > details")?.setAttribute("open", "");
    for (let element = target; element; element = element.parentElement) {
      if (element.tagName === "DETAILS") element.open = true;
    }
    target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
})();
