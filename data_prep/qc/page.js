// Fills the page from the data it holds: two tables, and the montages of the scans that are left, in the table's order.

const NONE = "(none)";
const ANY = "(any)";
const ZOOM = 1.5; // of the strips, where the window is wide enough

// The values a filter offers for a cell: the cell, or each of the sentences it lists, with their numbers blanked out.
function kindsOf(cell, isList) {
  if (isEmpty(cell)) return [];
  if (!isList) return [String(cell)];
  return cell.split("; ").map((sentence) => sentence.replace(/\d+([.,]\d+)*/g, "#"));
}

class ScanTable extends DataTable {
  constructor(name, data, { onChange = () => {}, onOpen = null } = {}) {
    const columns = data.columns.map((title, index) => {
      return { title, isNumber: data.rows.some((cells) => typeof cells[index] === "number") };
    });
    const rows = data.rows.map((cells, index) => ({ index, cells, text: cells.join(" ").toLowerCase() }));
    super(name, document.getElementById(`${name}_filters`), document.getElementById(`${name}_table`), columns, rows);
    this.onChange = onChange;
    this.onOpen = onOpen;
    this.update();
  }

  makeForm() {
    for (const select of this.form.querySelectorAll("select")) this.fillChoices(select);
  }

  fillChoices(select) {
    const column = this.indexOf(select.name);
    select.parentElement.hidden = column < 0;
    const counts = new Map();
    for (const row of this.rows) {
      row[select.name] = new Set(kindsOf(row.cells[column] ?? null, "list" in select.dataset));
      for (const kind of row[select.name]) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    const empty = this.rows.filter((row) => row[select.name].size === 0).length;
    const choices = [...counts].sort(([first], [second]) => collator.compare(first, second));
    if (empty && counts.size) choices.unshift([ANY, this.rows.length - empty], [NONE, empty]);
    select.append(...choices.map(([value, count]) => make("option", { value }, `${value} (${count})`)));
  }

  classOf({ isNumber }) {
    return isNumber ? "number" : "";
  }

  matches(row, name, value) {
    return value === ANY ? row[name].size > 0 : value === NONE ? row[name].size === 0 : row[name].has(value);
  }

  draw(rows) {
    for (const row of rows) row.element ??= this.makeRow(row);
    this.table.tBodies[0].replaceChildren(...rows.map((row) => row.element));
    this.onChange(rows.map((row) => row.index));
  }

  makeRow(row) {
    const cells = row.cells.map((cell, column) => {
      const isOpener = this.onOpen && this.columns[column].title === "scan";
      const content = isOpener ? this.makeOpener(row, cell) : String(cell ?? "");
      return make("td", { className: typeof cell === "number" ? "number" : "" }, content);
    });
    return make("tr", {}, ...cells);
  }

  makeOpener(row, text) {
    const button = make("button", { type: "button", className: "open" }, text);
    button.addEventListener("click", () => this.onOpen(row.index));
    return button;
  }
}

class Montages {
  constructor(element, montages) {
    this.element = element;
    this.montages = montages;
    this.figures = new Map();
    this.sections = new Map();
  }

  show(indices) {
    const patients = new Map();
    for (const index of indices) {
      const patient = this.montages[index].patient;
      if (!patients.has(patient)) patients.set(patient, []);
      patients.get(patient).push(this.figure(index));
    }
    const sections = [...patients].map(([patient, figures]) => {
      if (!this.sections.has(patient)) this.sections.set(patient, make("section"));
      const section = this.sections.get(patient);
      section.replaceChildren(make("h3", {}, patient), ...figures);
      return section;
    });
    this.element.replaceChildren(...sections);
  }

  figure(index) {
    if (!this.figures.has(index)) this.figures.set(index, this.makeFigure(this.montages[index]));
    return this.figures.get(index);
  }

  makeFigure({ image, width, height, histogram, window: [low, high], caption }) {
    const alt = `slices of ${caption}`;
    const bars = [...histogram].map((bar, x) => `M${x + 0.5} 36v-${parseInt(bar, 36)}`).join("");
    const chart = make("div");
    chart.innerHTML = `<svg viewBox="0 0 ${histogram.length} 36" preserveAspectRatio="none"><path d="${bars}"/></svg>`;
    chart.append(make("div", { className: "window" }, make("span", {}, low), make("span", {}, high)));
    const size = { width: width * ZOOM, height: height * ZOOM };
    const strip = make("img", { loading: "lazy", decoding: "async", ...size, alt, src: image });
    return make("figure", {}, make("div", {}, strip), chart, make("figcaption", {}, caption));
  }

  open(index) {
    for (const figure of this.element.querySelectorAll(".found")) figure.classList.remove("found");
    this.figure(index).classList.add("found");
    this.figure(index).scrollIntoView({ block: "center" });
  }
}

const data = JSON.parse(document.getElementById("data").textContent);
const montages = new Montages(document.getElementById("montages"), data.montages);
if (data.rejections.rows.length) new ScanTable("rejections", data.rejections);
new ScanTable("scans", data.scans, { onChange: (rows) => montages.show(rows), onOpen: (row) => montages.open(row) });
