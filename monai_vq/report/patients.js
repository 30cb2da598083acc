// Fills each section.data of the page from the JSON it holds. Rows are drawn as they are scrolled to, so that ten thousand
// do not slow the page down.

const CHUNK = 100; // rows that are drawn at once
const MOST_PRINTED = 2000; // rows on paper: about forty pages
const SEPARATOR = "; ";

function format(cell, digits) {
  if (cell === null) return "–";
  if (digits === null) return cell;
  return digits[0] === "fixed" ? cell.toFixed(digits[1]) : cell.toPrecision(digits[1]);
}

class PatientTable extends DataTable {
  constructor(section) {
    const { columns, rows } = JSON.parse(section.querySelector("script[type='application/json']").textContent);
    const textOf = (cells) => cells.filter((_, index) => !columns[index].digits).join(" ").toLowerCase();
    const table = section.querySelector("table");
    super(section.id, section.querySelector("form"), table, columns, rows.map((cells) => ({ cells, text: textOf(cells) })));
    this.box = section.querySelector(".scroll");
    this.end = section.querySelector(".end"); // below the last row that is drawn
    this.watch();
    this.update();
  }

  makeForm() {
    for (const { title, filter } of this.columns.filter(({ filter }) => filter)) {
      const choices = filter.map((value) => make("option", { value }, value));
      const select = make("select", { name: title }, make("option", { value: "" }, "all"), ...choices);
      this.form.querySelector("output").before(make("label", {}, `${title} `, select));
    }
    const find = make("input", { type: "search", name: "find", placeholder: "part of a name" });
    this.form.querySelector("output").before(make("label", {}, "find ", find));
  }

  classOf({ digits }) {
    return digits ? "" : "text";
  }

  matches(row, title, value) {
    return row.cells[this.indexOf(title)].split(SEPARATOR).includes(value);
  }

  watch() {
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && this.drawMore(CHUNK), {
      root: this.box,
      rootMargin: "400px",
    });
    observer.observe(this.end);
    addEventListener("beforeprint", () => this.drawMore(MOST_PRINTED - this.drawn));
  }

  draw(rows) {
    this.chosen = rows;
    this.drawn = 0;
    this.table.tBodies[0].replaceChildren();
    this.box.scrollTop = 0;
    this.drawMore(CHUNK);
  }

  drawMore(number) {
    const more = this.chosen.slice(this.drawn, this.drawn + Math.max(number, 0));
    this.table.tBodies[0].append(...more.map((row) => this.makeRow(row)));
    this.drawn += more.length;
    const left = this.chosen.length - this.drawn;
    this.end.textContent = left ? `${left} more` : "";
  }

  makeRow({ cells }) {
    const made = this.columns.map((column, index) => {
      return make("td", { className: this.classOf(column) }, format(cells[index], column.digits));
    });
    return make("tr", {}, ...made);
  }
}

for (const section of document.querySelectorAll("section.data")) new PatientTable(section);
