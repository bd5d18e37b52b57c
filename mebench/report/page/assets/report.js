"use strict";
(() => {
  const root = document.documentElement;
  const $ = (selector, inside = document) => inside.querySelector(selector);
  const $$ = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const count = (n) => n.toLocaleString("en-US");
  root.classList.add("js");

  // ---- theme: as the system says, or as chosen before
  const THEMES = ["auto", "light", "dark"];
  const remembered = () => { try { return localStorage.getItem("mebench-theme"); } catch { return null; } };
  const setTheme = (theme) => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    $("#theme").textContent = `Theme: ${theme}`;
    try { localStorage.setItem("mebench-theme", theme); } catch { /* private windows keep nothing */ }
  };
  let theme = THEMES.includes(remembered()) ? remembered() : "auto";
  setTheme(theme);
  $("#theme").addEventListener("click", () => setTheme((theme = THEMES[(THEMES.indexOf(theme) + 1) % 3])));

  // ---- leaderboard: sorted and filtered within each block; references stay where they are
  const heads = $$("#board thead th");
  const bodies = $$("#board tbody[data-block]");
  const LIMIT = Math.max(10, Math.floor(500 / bodies.length)); // rows of a block at first: browsers are slow with more
  const isHead = (row) => row.classList.contains("group");
  const read = (body) => ({ body, heads: [...body.rows].filter(isHead), rows: [...body.rows].filter((row) => !isHead(row)) });
  const blocks = new Map(bodies.map((body) => [Number(body.dataset.block), { ...read(body), limit: LIMIT }]));
  const sections = $$("#board tbody:not([data-block])").map((body) => ({
    ...read(body), blocks: [...blocks.values()].filter((one) => one.body.dataset.section === body.dataset.section),
  }));
  const words = new WeakMap();
  const textOf = (row) => {
    if (!words.has(row)) words.set(row, `${row.textContent} ${row.dataset.victim} ${row.dataset.channel}`.toLowerCase());
    return words.get(row);
  };
  let order = null; // {column, sign}
  const keys = new WeakMap();
  const keyOf = (row, column, numeric) => {
    const known = keys.get(row) || keys.set(row, []).get(row);
    if (known[column] === undefined) {
      const cell = row.cells[column];
      if (numeric) known[column] = cell.dataset.s === undefined ? null : Number(cell.dataset.s);
      else known[column] = ["–", ""].includes(cell.textContent.trim()) ? null : cell.textContent.trim();
    }
    return known[column];
  };
  const words_in_order = new Intl.Collator("en", { numeric: true });
  const sorted = (rows) => {
    if (!order) return rows;
    const { column, sign } = order;
    const numeric = heads[column].dataset.better !== "";
    return rows.slice().sort((a, b) => {
      const x = keyOf(a, column, numeric), y = keyOf(b, column, numeric);
      if (x === null || y === null) return (x === null) - (y === null); // unknown ones last, in either direction
      return sign * (numeric ? x - y : words_in_order.compare(x, y));
    });
  };
  const wanted = () => {
    const terms = $("#search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const picked = $$("#filters select").filter((one) => one.value).map((one) => [one.dataset.key, one.value]);
    return (row) => picked.every(([key, value]) => row.dataset[key] === value)
      && terms.every((term) => textOf(row).includes(term));
  };
  const more = (block, hidden) => {
    const row = document.createElement("tr"), cell = document.createElement("td"), button = document.createElement("button");
    row.className = "more";
    cell.colSpan = heads.length;
    button.type = "button";
    button.textContent = `Show ${count(Math.min(hidden, 500))} more of ${count(hidden)} hidden rows`;
    button.addEventListener("click", () => { block.limit += 500; show(); });
    cell.append(button);
    row.append(cell);
    return row;
  };
  const show = () => {
    const match = wanted();
    let found = 0, all = 0;
    for (const section of sections) {
      let any = false;
      for (const block of section.blocks) {
        const kept = sorted(block.rows.filter(match));
        all += block.rows.length;
        found += kept.length;
        const rows = kept.slice(0, block.limit);
        if (kept.length > block.limit) rows.push(more(block, kept.length - block.limit));
        block.body.replaceChildren(...block.heads, ...rows);
        block.body.hidden = !rows.length;
        any = any || rows.length > 0;
      }
      const references = any ? section.rows : section.rows.filter(match);
      section.body.replaceChildren(...section.heads, ...references);
      section.body.hidden = !any && !references.length;
    }
    $("#count").textContent = `${count(found)} of ${count(all)} rows`;
  };
  heads.forEach((head, column) => $("button", head).addEventListener("click", () => {
    const first = head.dataset.better === "high" ? -1 : 1; // the better end first
    const sign = order && order.column === column ? -order.sign : first;
    order = { column, sign };
    heads.forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    show();
  }));
  let waiting = 0;
  $("#filters").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(show, 80); });
  $("#filters").addEventListener("submit", (event) => event.preventDefault());
  $("#filters").addEventListener("reset", () => setTimeout(() => {
    order = null;
    heads.forEach((one) => one.removeAttribute("aria-sort"));
    show();
  }));
  show();

  // ---- rows that were packed, to keep the page small
  const packedDetails = new Map();
  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const found = JSON.parse(await new Response(stream).text());
    const holder = document.createElement("template");
    holder.innerHTML = `<table><tbody>${found.map((one) => one[1]).join("")}</tbody></table>`;
    const rows = [...holder.content.querySelectorAll("tr")];
    found.forEach(([block, , details], index) => {
      blocks.get(block).rows.push(rows[index]);
      const link = $("a[href^='#row-']", rows[index]);
      if (link && details) packedDetails.set(link.hash, details);
    });
    $("#unpacking").textContent = "";
    show();
    reveal();
  };
  if ($("#packed")) {
    $("#unpacking").textContent = "Unpacking the other rows …";
    unpack($("#packed").textContent).catch((error) => {
      $("#unpacking").textContent = `The other rows could not be unpacked by this browser (${error.name}): update it, or use mebench leaderboard.`;
    }).finally(() => { root.dataset.ready = "yes"; });
  } else root.dataset.ready = "yes";

  // ---- links to a row open its details
  const reveal = () => {
    const hash = location.hash;
    if (!/^#row-\d+$/.test(hash)) return;
    if (!$(hash) && packedDetails.has(hash)) {
      $("#details").insertAdjacentHTML("beforeend", packedDetails.get(hash));
    }
    const row = $(hash);
    if (!row) return;
    row.open = true;
    row.scrollIntoView();
    $("summary", row).focus({ preventScroll: true });
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#row-']");
    if (link && link.hash === location.hash) reveal(); // the same link again changes no hash
    const copy = event.target.closest("button.copy");
    if (copy) copyText(copy);
  });
  const copyText = async (button) => {
    const code = $("code", button.parentElement);
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
  reveal();

  // ---- curves
  if (!$("#panels")) return;
  const panels = JSON.parse($("#panels").textContent);
  const drawing = document.createElement("template");
  drawing.innerHTML = "<svg></svg>"; // knows its namespace, so that the page holds no address at all
  const SVG = drawing.content.firstChild.namespaceURI;
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const SHOWN = 8;
  const state = { panel: 0, metric: "accuracy", at: 0, hidden: new Set(), focus: null };
  const percent = (value) => { // of hundredths; exact halves go to the even digit, as in the tables
    if (value === null) return "–";
    const tenths = Math.floor(value / 10), half = value % 50 === 25;
    return (half ? (tenths + (tenths % 2)) / 10 : value / 100).toFixed(1);
  };
  const short = (value) => {
    for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (value >= size) return `${+(value / size).toPrecision(3)}${letter}`;
    return String(value);
  };
  const lastOf = (values) => values.findLastIndex((value) => value !== null);

  const ticks = (low, high, room) => {
    const found = [];
    for (const steps of [[1, 2, 5], [1, 3], [1]]) {
      found.length = 0;
      for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
        for (const step of steps) {
          const value = step * 10 ** power;
          if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
        }
      }
      if (found.length <= room) break;
    }
    return found.length ? found : [low, high];
  };
  // Move labels apart, as little as need be: push down, then back up from the lower edge.
  const spread = (labels, gap, bottom) => {
    labels.sort((a, b) => a.y - b.y);
    labels.forEach((label, i) => { label.place = i ? Math.max(label.y, labels[i - 1].place + gap) : label.y; });
    for (let i = labels.length - 1; i >= 0; i -= 1) {
      labels[i].place = Math.min(labels[i].place, i === labels.length - 1 ? bottom : labels[i + 1].place - gap);
    }
    return labels;
  };
  const runs = (values, x, y) => { // consecutive known points
    const found = [];
    values.forEach((value, i) => {
      if (value === null) return;
      if (!i || values[i - 1] === null) found.push([]);
      found.at(-1).push([x(i).toFixed(1), y(value).toFixed(1)]);
    });
    return found;
  };
  let scale = null;

  const draw = () => {
    const panel = panels[state.panel], box = $("#chart");
    const width = Math.max(280, box.clientWidth || 800), height = Math.round(Math.min(480, Math.max(280, width * 0.55)));
    const wide = width >= 560, labelled = wide ? 165 : 0;
    const left = 40, top = 10, right = width - labelled - 12, bottom = height - 40;
    const low = panel.grid[0], high = panel.grid.at(-1), span = Math.log10(high / low) || 1;
    const x = (i) => left + ((right - left) * Math.log10(panel.grid[i] / low)) / span;
    const [least, most] = panel.axis[state.metric];
    const y = (value) => bottom - ((bottom - top) * (Math.min(Math.max(value, least), most) - least)) / (most - least);
    const step = [10, 20, 50, 100, 200, 500, 1000, 2000].find((one) => (most - least) / one <= 6);
    const beyond = (value) => (value > most ? " ↑" : value < least ? " ↓" : "");
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
      "aria-label": `${state.metric} over queries, ${panel.title}. The values are in the table beside it.` });
    for (let value = Math.ceil(least / step) * step; value <= most; value += step) {
      svg.append(make("path", { class: "grid", d: `M${left} ${y(value)}H${right}` }),
        make("text", { class: "axis", x: left - 6, y: y(value) + 4, "text-anchor": "end" }, String(value / 100)));
    }
    for (const value of ticks(low, high, wide ? 9 : 5)) {
      const place = left + ((right - left) * Math.log10(value / low)) / span;
      svg.append(make("path", { class: "grid", d: `M${place} ${bottom}v5` }),
        make("text", { class: "axis", x: Math.min(place, width - 14), y: bottom + 18, "text-anchor": "middle" }, short(value)));
    }
    svg.append(make("text", { class: "axis", x: (left + right) / 2, y: height - 4, "text-anchor": "middle" }, "Queries (log10 scale)"));
    const labels = [];
    panel.references.forEach((one, i) => {
      const value = one[state.metric];
      if (!beyond(value)) svg.append(make("path", { class: `reference d${1 + (i % 3)}`, d: `M${left} ${y(value)}H${right}` }));
      labels.push({ y: y(value), from: y(value), x: right, text: `${one.label} ${percent(value)}${beyond(value)}`, kind: "axis" });
    });
    panel.series.forEach((one, i) => {
      if (state.hidden.has(i)) return;
      const [mean, floor, ceiling] = one[state.metric];
      const faded = state.focus !== null && state.focus !== i ? " faded" : "";
      const group = make("g", { class: `c${one.colour} h${one.shade}${faded}` });
      if (floor) {
        const under = runs(floor, x, y), over = runs(ceiling, x, y);
        under.forEach((points, j) => {
          group.append(make("path", { class: "band", d: `M${[...points, ...over[j].slice().reverse()].map((p) => p.join(" ")).join("L")}Z` }));
        });
      }
      for (const points of runs(mean, x, y)) {
        if (points.length === 1) group.append(make("circle", { class: "point", cx: points[0][0], cy: points[0][1], r: 4 }));
        group.append(make("path", { class: `line d${one.dash}`, d: `M${points.map((p) => p.join(" ")).join("L")}` }));
      }
      svg.append(group);
      const end = lastOf(mean);
      if (end >= 0) labels.push({ y: y(mean[end]), from: y(mean[end]), x: x(end), text: `${one.label} ${percent(mean[end])}`, kind: faded });
    });
    if (wide && labels.length * 14 < height) {
      for (const one of spread(labels, 14, bottom)) {
        const text = one.text.length > 25 ? `${one.text.slice(0, 17)}… ${one.text.split(" ").at(-1)}` : one.text;
        svg.append(make("path", { class: `lead-line${one.kind === "axis" ? "" : one.kind}`, d: `M${Math.max(one.x, right) + 2} ${one.from}L${right + 14} ${one.place}` }),
          make("text", { class: one.kind, x: right + 17, y: one.place + 4 }, text));
      }
    }
    const cursor = make("g", { id: "marks" });
    svg.append(cursor);
    scale = { x, y, top, bottom, left, right, width, cursor };
    box.replaceChildren(svg);
    mark();
  };

  const mark = () => { // the cursor, its points, and the values in the legend
    const panel = panels[state.panel], { x, y, top, bottom, cursor } = scale;
    const place = x(state.at);
    cursor.replaceChildren(make("path", { class: "cursor-line", d: `M${place} ${top}V${bottom}` }));
    panel.series.forEach((one, i) => {
      const [mean, floor, ceiling] = one[state.metric].map((values) => values[state.at]);
      if (mean !== null && !state.hidden.has(i)) {
        cursor.append(make("circle", { class: `point c${one.colour} h${one.shade}`, cx: place, cy: y(mean), r: 4.5 }));
      }
      const row = $(`#legend tr[data-series="${i}"]`);
      row.classList.toggle("off", state.hidden.has(i));
      row.cells[1].textContent = percent(mean);
      row.cells[2].textContent = mean === null ? "–" : floor === undefined ? "one seed" : `${percent(floor)} to ${percent(ceiling)}`;
    });
    const queries = count(panel.grid[state.at]);
    $("#at").textContent = queries;
    $("#cursor").setAttribute("aria-valuetext", `${queries} queries`);
  };

  const swatch = (classes) => make("svg", { viewBox: "0 0 35 12", "aria-hidden": "true" }, make("path", { class: classes, d: "M0 6H35" }));
  const fillLegend = () => {
    const panel = panels[state.panel], body = $("#legend tbody");
    body.replaceChildren(...panel.series.map((one, i) => {
      const row = body.insertRow();
      row.dataset.series = i;
      row.className = `c${one.colour} h${one.shade}`;
      const head = document.createElement("th"), label = document.createElement("label"), box = document.createElement("input");
      head.scope = "row";
      box.type = "checkbox";
      box.checked = !state.hidden.has(i);
      box.addEventListener("change", () => { if (box.checked) state.hidden.delete(i); else state.hidden.add(i); draw(); });
      const name = document.createElement("span");
      name.textContent = one.label;
      label.append(box, swatch(`line d${one.dash}`), name);
      head.append(label);
      row.append(head);
      row.insertCell().className = "n";
      row.insertCell().className = "n";
      const focus = (on) => () => { state.focus = on && !state.hidden.has(i) ? i : null; draw(); };
      row.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && focus(true)());
      row.addEventListener("pointerleave", focus(false));
      return row;
    }), ...panel.references.map((one, i) => {
      const row = body.insertRow(), head = document.createElement("th"), name = document.createElement("span");
      row.className = "ref";
      head.scope = "row";
      name.append(swatch(`reference d${1 + (i % 3)}`), one.label);
      head.append(name);
      row.append(head);
      const value = row.insertCell();
      value.className = "n";
      value.textContent = percent(one[state.metric]);
      row.insertCell();
      return row;
    }));
  };
  const open = (index) => {
    state.panel = index;
    const panel = panels[index];
    state.hidden = new Set(panel.series.map((_, i) => i).filter((i) => i >= SHOWN));
    state.at = panel.grid.length - 1;
    state.focus = null;
    $("#cursor").max = panel.grid.length - 1;
    $("#cursor").value = state.at;
    const part = panel.of > panel.series.length ? ` · the ${panel.series.length} best of ${count(panel.of)} curves` : "";
    $("#panel-title").textContent = panel.title + part;
    fillLegend();
    draw();
  };
  const move = (index) => { state.at = index; $("#cursor").value = index; mark(); };
  const point = (event) => {
    const box = $("#chart svg").getBoundingClientRect(), grid = panels[state.panel].grid;
    const place = ((event.clientX - box.left) * scale.width) / box.width;
    let best = 0;
    grid.forEach((_, i) => { if (Math.abs(scale.x(i) - place) < Math.abs(scale.x(best) - place)) best = i; });
    move(best);
  };
  $("#chart").addEventListener("pointermove", point);
  $("#chart").addEventListener("pointerdown", point);
  $("#cursor").addEventListener("input", (event) => move(Number(event.target.value)));
  $("#panel")?.addEventListener("change", (event) => open(Number(event.target.value)));
  $$("input[name='metric']").forEach((one) => one.addEventListener("change", () => { state.metric = one.value; fillLegend(); draw(); }));
  $("#all").addEventListener("click", () => { state.hidden.clear(); fillLegend(); draw(); });
  $("#none").addEventListener("click", () => { panels[state.panel].series.forEach((_, i) => state.hidden.add(i)); fillLegend(); draw(); });
  open(0);
  let drawn = 0;
  new ResizeObserver(() => { const now = $("#chart").clientWidth; if (Math.abs(now - drawn) > 8) { drawn = now; draw(); } }).observe($("#chart"));
})();
