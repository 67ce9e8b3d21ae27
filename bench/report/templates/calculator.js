// The calculator: an arm's cost is the sum of its fitted unit costs times the factors of a load.
// Constants come from the page; nothing is loaded and nothing is sent.
(() => {
  "use strict";
  const model = JSON.parse(document.getElementById("cost-model").textContent);
  const form = document.getElementById("calculator");
  const INFORMER = "informer";

  const factors = (question) => ({
    "reads": question.reads,
    "reads x pods": question.reads * question.pods,
    "replicas x churn": question.replicas * question.churn,
    "replicas / lifetime": question.replicas / question.lifetime,
    "replicas x pods / lifetime": (question.replicas * question.pods) / question.lifetime,
  });

  // The multiplier of each unit cost in the cost of `arm`.
  const multipliers = (quantity, arm, question) => {
    const value = factors(question);
    const vector = quantity.coefficients.map(() => 0);
    for (const [index, factor] of quantity.recipes[arm]) vector[index] += value[factor];
    return vector;
  };
  const dot = (a, b) => a.reduce((sum, term, i) => sum + term * b[i], 0);
  const product = (quantity, a, b) => dot(a, quantity.covariance.map((row) => dot(row, b)));

  const estimate = (quantity, vector, quantile) => {
    const value = dot(vector, quantity.coefficients);
    if (!quantity.covariance || quantile === null) return { value, low: null, high: null };
    const half = quantile * Math.sqrt(Math.max(0, product(quantity, vector, vector)));
    return { value, low: value - half, high: value + half };
  };

  // The decimals that an interval supports in its figure, as in the report's numbers.
  const decimalsOf = (low, high) =>
    (low === null || !(high > low) ? Infinity : 1 - Math.floor(Math.log10((high - low) / 2)));
  const number = (value, places = Infinity) => {
    let size = Math.abs(value);
    if (!Number.isFinite(value)) return "\u2013";
    let decimals = 0;
    if (size < 1e-9) size = 0;
    else if (size < 0.995) decimals = Math.min(12, 1 - Math.floor(Math.log10(size)));
    else if (size < 9.95) decimals = 1;
    const step = 10 ** -places;
    if ((places < decimals || places < 0) && Math.round(size / step)) {
      size = Math.round(size / step) * step;
      decimals = Math.max(0, places);
    }
    const shown = decimals ? String(Number(size.toFixed(decimals))) : Math.round(size).toLocaleString("en-US");
    return value < 0 && shown !== "0" ? "\u2212" + shown : shown;
  };
  const scale = (values, unit) => {
    const most = Math.max(...values.map(Math.abs));
    if (unit.startsWith("B")) {
      for (const [divisor, prefix] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
        if (most >= divisor) return { divisor, unit: prefix + unit };
      }
    }
    return { divisor: 1, unit };
  };

  const fill = (text, slots) => text.replace(/\{(\w+)\}/g, (_, name) => slots[name]);
  const between = (low, high) => (low === high ? low : fill(model.words.span, { low, high }));

  const read = () => {
    const question = {};
    for (const name of ["reads", "pods", "churn", "replicas", "lifetime"]) {
      const field = form.elements[name];
      if (!field.checkValidity()) return { wrong: field };
      question[name] = Number(field.value);
    }
    question.lifetime *= 3600;
    return question;
  };

  const beyond = (question) => {
    const outside = [];
    const { reads, pods, churn, replicas, reads_pods: most } = model.ranges;
    // A measured rate lies a little below or above the offered one: 5.9999 reads/s count as 6.
    const near = 1.01;
    const check = (name, value, low, high) => {
      if (value * near < low || value > high * near) outside.push(name);
    };
    const words = model.words;
    const span = (ends) => between(...ends.map((end) => number(end)));
    check(fill(words.reads, { most: number(reads[1]) }), question.reads, 0, reads[1]);
    check(fill(words.pods, { span: span(pods) }), question.pods, pods[0], pods[1]);
    check(fill(words.churn, { most: number(churn[1]) }), question.churn, 0, churn[1]);
    check(fill(words.replicas, { span: span(replicas) }), question.replicas, replicas[0], replicas[1]);
    if (question.reads <= reads[1] * near && question.reads * question.pods > most * near) {
      outside.push(fill(words.reads_pods, { most: number(most) }));
    }
    return outside;
  };

  const cell = (kind, text, small) => {
    const element = document.createElement(kind);
    element.setAttribute("role", kind === "th" ? "rowheader" : "cell");
    element.textContent = text;
    if (small) {
      const spread = document.createElement("span");
      spread.className = "spread";
      spread.textContent = small;
      element.append(spread);
    }
    return element;
  };

  const wider = (a, b) => (a === null || b === null ? null : Math.max(a, b));

  // The cheapest arm, and the arms that the interval of the difference does not show to cost more.
  const judge = (quantity, vectors) => {
    const arms = Object.keys(vectors);
    const cost = (arm) => dot(vectors[arm], quantity.coefficients);
    const best = arms.reduce((a, b) => (cost(b) < cost(a) ? b : a));
    const unsure = arms.filter((arm) => {
      if (arm === best) return false;
      const difference = vectors[arm].map((term, i) => term - vectors[best][i]);
      const spread = estimate(quantity, difference, wider(quantity.quantiles[arm], quantity.quantiles[best]));
      return spread.low === null || spread.low <= 0;
    });
    return { best, unsure };
  };

  // A bound is rounded up or down to the digits of `number`, for it must still hold.
  const rounded = (value, up) => {
    if (up === null) return value;
    const step = 10 ** Math.min(0, Math.floor(Math.log10(value)) - 1);
    return step * (up ? Math.ceil(value / step - 1e-9) : Math.floor(value / step + 1e-9));
  };
  const rate = (perS, up = null) => {
    if (perS >= 0.01) return `${number(rounded(perS, up))}/s`;
    if (perS <= 0) return "0";
    const seconds = 1 / perS;
    const shown = (time) => number(rounded(time, up === null ? null : !up));
    if (seconds < 600) return fill(model.words.seconds, { seconds: shown(seconds) });
    if (seconds < 36000) return fill(model.words.minutes, { minutes: shown(seconds / 60) });
    return fill(model.words.hours, { hours: shown(seconds / 3600) });
  };

  // The read rate at which the informer costs what the reader does, by Fieller's theorem.
  const breakEven = (quantity, question) => {
    const above = multipliers(quantity, INFORMER, question);
    const below = multipliers(quantity, model.reader, { ...question, reads: 1, churn: 0, replicas: 0 });
    const [top, bottom] = [above, below].map((vector) => dot(vector, quantity.coefficients));
    const most = estimate(quantity, below, quantity.quantiles[model.reader]).high;
    const never = most !== null && most <= 0;
    const even = { rate: bottom > 0 ? Math.max(0, top / bottom) : null, low: null, high: null, never };
    const quantile = wider(quantity.quantiles[INFORMER], quantity.quantiles[model.reader]);
    if (!quantity.covariance || quantile === null) return even;
    const t2 = quantile * quantile;
    const a = bottom * bottom - t2 * product(quantity, below, below);
    const b = top * bottom - t2 * product(quantity, above, below);
    const c = top * top - t2 * product(quantity, above, above);
    const root = Math.sqrt(Math.max(0, b * b - a * c));
    even.low = 0;
    if (a > 0 && bottom > 0) {
      even.low = Math.max(0, (b - root) / a);
      even.high = Math.max(0, (b + root) / a);
    } else if (a < 0 && c > 0 && top > 0) even.low = Math.max(0, (b - root) / a);
    return even;
  };
  const known = ({ rate, low, high, never }) => {
    if (never) return "none";
    if (rate === null) return low > 0 ? "above" : "untold";
    if (low === null) return "no interval";
    if (high === null) return low > 0 ? "no end" : "untold";
    if (high === 0) return "free";
    if (rate === 0) return "below";
    return low === 0 ? "at most" : "between";
  };
  const verdict = (quantity, question) => {
    const even = breakEven(quantity, question);
    const kind = known(even);
    const highest = model.ranges.reads[1];
    const isSpan = kind === "between";
    const short = even.high !== null && even.low >= 0.01;
    let shown = rate(even.rate ?? 0);
    if (even.rate > highest) shown = fill(model.words.beyond, { highest: rate(highest), rate: shown });
    const [low, high] = [[even.low, false], [even.high, true]].map(([end, up]) => {
      if (end === null) return "";
      return short ? number(end) : rate(end, isSpan ? null : up);
    });
    const [line, spread] = model.words.rates[isSpan && low === high ? "alike" : kind];
    let outcome = "may";
    if (even.never || question.reads <= 0 || question.reads < even.low) outcome = "not";
    else if (even.rate === null || kind === "untold") outcome = "untold";
    else if (even.high !== null && question.reads > even.high) outcome = "pays";
    const slots = { rate: shown, low, high };
    const ends = fill(spread, slots);
    return [
      fill(model.words.verdicts[outcome], {
        reads: number(question.reads), pods: number(question.pods), churn: number(question.churn),
      }),
      `${fill(model.words.line, { what: quantity.short, reader: model.reader, line: fill(line, slots) })}${ends ? `, ${ends}` : ""}`,
    ];
  };

  const say = (id, text) => { document.getElementById(id).textContent = text; };

  const show = () => {
    const question = read();
    const rows = document.getElementById("calculator-rows");
    const warning = document.getElementById("calculator-beyond");
    rows.replaceChildren();
    if (question.wrong) {
      say("verdict", fill(model.words.wrong, { field: question.wrong.labels[0].firstChild.textContent.trim(), why: question.wrong.validationMessage }));
      say("verdict-line", "");
      warning.hidden = true;
      return;
    }
    const [sentence, line] = verdict(model.quantities.find(({ key }) => key === model.first), question);
    say("verdict", sentence);
    say("verdict-line", line);
    for (const quantity of model.quantities) {
      const arms = Object.keys(quantity.recipes);
      const vectors = Object.fromEntries(arms.map((arm) => [arm, multipliers(quantity, arm, question)]));
      const costs = arms.map((arm) => estimate(quantity, vectors[arm], quantity.quantiles[arm]));
      const unit = scale(costs.map((cost) => cost.value), quantity.unit);
      const row = document.createElement("tr");
      row.setAttribute("role", "row");
      const header = cell("th", `${quantity.title}, ${unit.unit}`);
      header.scope = "row";
      row.append(header);
      for (const cost of costs) {
        const ends = [cost.low, cost.high].map((end) => (end === null ? null : end / unit.divisor));
        const [shown, low, high] = [cost.value / unit.divisor, ...ends].map(
          (value) => (value === null ? "" : number(value, decimalsOf(...ends))));
        row.append(cell("td", shown, low && between(low, high)));
      }
      const { best, unsure } = judge(quantity, vectors);
      const cheaper = cell("td", unsure.length ? fill(model.words.unsure, { best }) : best, unsure.length ? fill(model.words.against, { arms: unsure.join(", ") }) : "");
      cheaper.className = "text";
      row.append(cheaper);
      rows.append(row);
    }
    const outside = beyond(question);
    warning.hidden = outside.length === 0;
    warning.textContent = outside.length ? fill(model.words.beyond_measured, { what: outside.join(", ") }) : "";
  };

  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
