// What the page does when it is touched: it works without any of this. Nothing is fetched.
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  root.classList.add("js");

  // Light, dark, or as the system has it.
  const themes = ["auto", "light", "dark"];
  const button = document.getElementById("theme");
  const remember = (theme) => { try { localStorage.setItem("calotype-theme", theme); } catch { /* a page from a file may not */ } };
  const remembered = () => { try { return localStorage.getItem("calotype-theme"); } catch { return null; } };
  const dress = (theme) => {
    if (theme === "auto") root.removeAttribute("data-theme"); else root.dataset.theme = theme;
    button.textContent = "Theme: " + theme;
  };
  let theme = themes.includes(remembered()) ? remembered() : "auto";
  dress(theme);
  button.addEventListener("click", () => { theme = themes[(themes.indexOf(theme) + 1) % 3]; dress(theme); remember(theme); });

  // Names at the ends of curves keep off each other.
  const space = (group) => {
    const low = +group.dataset.low, high = +group.dataset.high, gap = 15;
    const labels = all("text:not(.off)", group).sort((a, b) => a.dataset.y - b.dataset.y);
    const blocks = [];
    labels.forEach((label, rank) => {
      blocks.push([+label.dataset.y - rank * gap, 1]);
      while (blocks.length > 1 && blocks.at(-2)[0] / blocks.at(-2)[1] > blocks.at(-1)[0] / blocks.at(-1)[1]) {
        const [sum, count] = blocks.pop();
        blocks.at(-1)[0] += sum; blocks.at(-1)[1] += count;
      }
    });
    const room = Math.max(high - low - gap * (labels.length - 1), 0);
    const starts = blocks.flatMap(([sum, count]) => Array(count).fill(Math.min(Math.max(sum / count, low), low + room)));
    labels.forEach((label, rank) => label.setAttribute("y", (starts[rank] + rank * gap + 4).toFixed(1)));
  };

  // The legend switches curves in all charts beside it.
  all(".legend").forEach((legend) => {
    const home = legend.closest("section");
    const update = () => {
      all("button[data-s]", legend).forEach((chip) => {
        const on = chip.getAttribute("aria-pressed") === "true";
        all(".chart .s", home).filter((thing) => thing.dataset.s === chip.dataset.s).forEach((thing) => thing.classList.toggle("off", !on));
      });
      all(".ends", home).forEach(space);
    };
    const first = all("button[data-s]", legend).map((chip) => chip.getAttribute("aria-pressed"));
    legend.addEventListener("click", (event) => {
      const chip = event.target.closest("button");
      if (!chip) return;
      const chips = all("button[data-s]", legend);
      if (chip.dataset.s) chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") !== "true");
      else chips.forEach((one, place) => one.setAttribute("aria-pressed", { all: "true", first: first[place] }[chip.dataset.do]));
      update();
    });
    const point = (event, on) => {
      const chip = event.target.closest("button[data-s]");
      if (!chip || chip.getAttribute("aria-pressed") !== "true") return;
      all(".chart", home).forEach((chart) => heat(chart, on ? chip.dataset.s : null));
    };
    legend.addEventListener("pointerover", (event) => point(event, true));
    legend.addEventListener("pointerout", (event) => point(event, false));
    legend.addEventListener("focusin", (event) => point(event, true));
    legend.addEventListener("focusout", (event) => point(event, false));
  });

  // Pointing at a chart tells about the nearest point.
  const tip = document.getElementById("tip");
  const heat = (chart, name) => {
    chart.classList.toggle("dim", name !== null);
    all(".s", chart).forEach((thing) => thing.classList.toggle("hot", thing.dataset.s === name));
  };
  const quiet = (chart) => { heat(chart, null); tip.hidden = true; };
  all(".chart").forEach((chart) => {
    const points = all("[data-p]", chart).flatMap((group) => group.dataset.p.split("|").map((said) => {
      const [x, y, ...words] = said.split(",");
      return { group, x: +x, y: +y, words: words.join(",") };
    }));
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect(), scale = chart.viewBox.baseVal.width / box.width;
      const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      let best = null, least = 42 ** 2;
      for (const point of points) {
        const far = (point.x - x) ** 2 + (point.y - y) ** 2;
        if (far < least && !point.group.classList.contains("off")) { best = point; least = far; }
      }
      if (!best) return quiet(chart);
      heat(chart, best.group.dataset.s);
      tip.textContent = best.words;
      tip.hidden = false;
      const size = tip.getBoundingClientRect();
      const left = box.left + best.x / scale, top = box.top + best.y / scale;
      tip.style.left = Math.min(Math.max(left - size.width / 2, 6), innerWidth - size.width - 6) + "px";
      tip.style.top = (top - size.height - 12 > 52 ? top - size.height - 12 : top + 14) + "px";
    });
    chart.addEventListener("pointerleave", () => quiet(chart));
  });
  addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

  // A cell of a matrix tells its particulars below; arrow keys move.
  all(".matrix").forEach((matrix) => {
    const detail = matrix.closest(".scroll").nextElementSibling;
    const rows = all("tbody tr", matrix).map((row) => all("td", row));
    const tell = (cell) => { if (cell && cell.dataset.d) detail.textContent = cell.dataset.d; };
    const cells = rows.flat();
    const start = cells.find((cell) => cell.dataset.d);
    if (start) start.tabIndex = 0;
    matrix.addEventListener("pointerover", (event) => tell(event.target.closest("td")));
    matrix.addEventListener("focusin", (event) => tell(event.target.closest("td")));
    matrix.addEventListener("click", (event) => event.target.closest("tbody td")?.focus());
    matrix.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      const row = rows.findIndex((list) => list.includes(document.activeElement));
      if (!step || row < 0) return;
      event.preventDefault();
      const next = rows[row + step[0]]?.[rows[row].indexOf(document.activeElement) + step[1]];
      if (next) { cells.forEach((cell) => cell.removeAttribute("tabindex")); next.tabIndex = 0; next.focus(); }
    });
    cells.forEach((cell) => cell.addEventListener("pointerdown", () => { cell.tabIndex = -1; }));
  });

  // Tables sort by the column whose head is pressed.
  all("table.sortable").forEach((table) => {
    const heads = all("thead th", table), body = table.tBodies[0];
    heads.forEach((head, place) => head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[place].dataset.v ?? row.cells[place].textContent;
      const order = (a, b) => (isNaN(key(a)) || isNaN(key(b)) ? key(a).localeCompare(key(b), "en", { numeric: true }) : key(a) - key(b));
      [...body.rows].sort((a, b) => (up ? order(a, b) : order(b, a))).forEach((row) => body.append(row));
    }));
  });

  // Two crops over each other, with a slider between them.
  all(".scene").forEach((scene) => {
    const images = all(".crops img", scene), viewer = scene.querySelector(".viewer");
    if (!viewer || images.length < 2) return;
    const [under, over] = all("img", viewer), [left, right] = all("select", viewer);
    const show = () => {
      [[under, left], [over, right]].forEach(([image, choice]) => { image.src = images[choice.value].src; image.alt = images[choice.value].alt; });
    };
    [left, right].forEach((choice, side) => {
      images.forEach((image, place) => choice.add(new Option(image.dataset.label, place)));
      const first = images.findIndex((image) => image.dataset.side === (side ? "right" : "left"));
      choice.value = first < 0 ? side : first;
      choice.addEventListener("change", show);
    });
    const slider = viewer.querySelector("input"), stage = viewer.querySelector(".stage");
    const cut = () => stage.style.setProperty("--cut", slider.value + "%");
    slider.addEventListener("input", cut);
    stage.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch" && !event.buttons) return;
      const box = stage.getBoundingClientRect();
      slider.value = ((event.clientX - box.left) / box.width) * 100;
      cut();
    });
    show(); cut();
  });
})();
