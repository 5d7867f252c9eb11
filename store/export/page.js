"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const events = Array.from(document.getElementsByClassName("ev"));
  const kinds = new Map(), off = new Set();
  let texts = null, here = -1;
  $("bar").hidden = false;
  // What is jumped to must not end below the bar, however many lines that has.
  const bar = () => document.documentElement.style.setProperty("--bar", $("bar").offsetHeight + "px");
  new ResizeObserver(bar).observe($("bar"));

  let said;
  const say = (text) => { // as long as it takes to read
    clearTimeout(said);
    $("said").textContent = text;
    said = setTimeout(() => { $("said").textContent = ""; }, Math.max(1500, 70 * text.length));
  };
  const kind = (ev) => ev.classList[1];
  for (const ev of events) kinds.set(kind(ev), (kinds.get(kind(ev)) || 0) + 1);
  for (const [name, n] of kinds) {
    const b = document.createElement("button");
    b.textContent = name + " " + n;
    b.dataset.kind = name;
    b.setAttribute("aria-pressed", "true");
    b.onclick = () => {
      if (off.delete(name)) b.setAttribute("aria-pressed", "true");
      else { off.add(name); b.setAttribute("aria-pressed", "false"); }
      show();
    };
    $("kinds").append(b, " ");
  }

  // show hides what the filters and the words searched for leave out.
  const show = () => {
    const words = $("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !texts) texts = events.map((ev) => ev.textContent.toLowerCase());
    let n = 0;
    events.forEach((ev, i) => {
      const yes = !off.has(kind(ev)) && words.every((w) => texts[i].includes(w));
      ev.hidden = !yes;
      if (yes) n++;
    });
    $("hits").textContent = words.length || off.size ? n + " of " + events.length : "";
    $("none").hidden = n > 0;
    mark(words);
  };

  // mark shows the words where they stand, in the first thousand places.
  const mark = (words) => {
    if (!window.CSS || !CSS.highlights) return;
    CSS.highlights.delete("found");
    if (!words.length) return;
    const ranges = [];
    for (const ev of events) {
      if (ev.hidden || ranges.length > 1000) continue;
      const walker = document.createTreeWalker(ev, NodeFilter.SHOW_TEXT);
      for (let node; (node = walker.nextNode()) && ranges.length < 1000;) {
        const text = node.data.toLowerCase();
        for (const w of words) {
          for (let at = text.indexOf(w); at >= 0 && ranges.length < 1000; at = text.indexOf(w, at + w.length)) {
            if (at + w.length > node.length) break;
            const range = new Range();
            range.setStart(node, at);
            range.setEnd(node, at + w.length);
            ranges.push(range);
          }
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  };

  let wait;
  $("q").oninput = () => { clearTimeout(wait); wait = setTimeout(show, 120); };

  const all = (open) => { for (const ev of events) ev.open = open; };
  const go = (i) => {
    const ev = events[i];
    if (!ev) return;
    if (events[here]) events[here].classList.remove("here");
    here = i;
    ev.classList.add("here");
    ev.hidden = false;
    bar();
    ev.scrollIntoView({ block: "start" });
  };
  const step = (by) => {
    let i = here + by;
    while (events[i] && events[i].hidden) i += by;
    go(i);
  };
  const jump = (seq) => {
    const i = events.findIndex((ev) => ev.id === "e" + seq);
    if (i < 0) say("there is no step " + seq);
    else { events[i].open = true; go(i); }
  };
  const textOf = (ev) => {
    const parts = [], code = ev.querySelector("summary code");
    if (code) parts.push(code.textContent + (ev.querySelector("pre") ? "\n" : ""));
    for (const c of ev.children) {
      if (c.tagName === "PRE" && !c.classList.contains("head")) parts.push(c.textContent);
      else if (c.classList.contains("md")) parts.push(c.innerText);
      else if (c.classList.contains("more")) parts.push(c.querySelector("pre").textContent);
    }
    return parts.join("");
  };
  const copy = async (ev) => {
    const text = textOf(ev);
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say("copied " + text.length + " characters");
  };
  const theme = () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  };

  // The button is made when it is wanted: ten thousand of them cost time.
  document.addEventListener("mouseover", (e) => {
    const ev = e.target.closest && e.target.closest(".ev");
    if (!ev || ev.dataset.copy || !ev.querySelector("pre, code")) return;
    ev.dataset.copy = "1";
    const b = document.createElement("button");
    b.className = "copy";
    b.textContent = "copy";
    b.onclick = (click) => { click.preventDefault(); copy(ev); };
    ev.querySelector("summary").append(b);
  });

  $("fold").onclick = () => all(false);
  $("open").onclick = () => all(true);
  $("theme").onclick = theme;
  const help = () => $("keys").showModal();
  $("help").onclick = help;
  $("keys").onclick = (e) => { if (e.target === $("keys")) $("keys").close(); }; // beside it
  $("to").onchange = () => jump($("to").value.replace("#", "").trim());
  const fromHash = () => { const m = /^#e(\d+)$/.exec(location.hash); if (m) jump(m[1]); };
  addEventListener("hashchange", fromHash);
  bar();
  fromHash();

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || $("keys").open) return;
    if (e.key === "Escape") { $("q").value = ""; show(); document.activeElement.blur(); return; }
    if (/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
    const keys = {
      "/": () => $("q").focus(), "?": help, g: () => $("to").focus(), j: () => step(1), k: () => step(-1), t: theme, f: () => all(false), u: () => all(true),
      o: () => { if (events[here]) events[here].open = !events[here].open; }, c: () => { if (events[here]) copy(events[here]); },
    };
    if (keys[e.key]) { e.preventDefault(); keys[e.key](); }
  });
})();
