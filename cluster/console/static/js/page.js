// What every page does: a page that tells of a passing problem asks again by itself, and a form is sent once.
"use strict";

(() => {
  const problem = document.querySelector("[data-again]");
  if (problem && !document.querySelector("[data-live]")) {
    const again = () => (document.hidden ? document.addEventListener("visibilitychange", again, { once: true }) : location.reload());
    setTimeout(again, Number(problem.dataset.again) * 1000);
  }

  // On a phone the navigation scrolls sideways: the page that is shown is in sight.
  const here = document.querySelector(".nav [aria-current]");
  const nav = here?.closest(".nav");
  if (nav) nav.scrollLeft = here.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2;

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) event.preventDefault();
    else form.dataset.sent = "1";
  });
  // Coming back to a page, its forms may be sent again.
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));
})();
