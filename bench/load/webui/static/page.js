// The page "API server": starts and stops the same load on both servers, and shows the requests of
// each to the API server. All content from the cluster is inserted as text, never as markup.
"use strict";
(() => {
  const BASE = new URL(".", document.currentScript.src);
  const EVERY_MS = 2000, GAP_S = 8, LEAST_S = 30, KEPT_S = 900, ROUTE = "list all";
  const COLOURS = { direct: "--direct", informer: "--informer", apiserver: "--third", etcd: "--fourth" };
  const SERVERS = ["direct", "informer"];
  const PRESET = {
    user_count: 2, spawn_rate: 2, host: "", route: "of the class", namespace: "", selector: "",
    arrivals: "constant", outstanding: 100, timeout_s: 30, seed: 0, shape_class: "Default",
  };
  const NS = "http://www.w3.org/2000/svg";

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const svg = (tag, attributes = {}, text) => {
    const element = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const sum = (values) => Object.values(values || {}).reduce((a, b) => a + b, 0);
  const colour = (name) => `var(${COLOURS[name] || "--muted"})`;
  const number = (value) =>
    value === null || value === undefined ? "–"
      : value >= 100 ? Math.round(value).toLocaleString("en")
        : value >= 10 ? value.toFixed(1) : value === 0 ? "0" : value.toFixed(2);
  const whole = (value) => (value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en"));
  const bytes = (value) =>
    value === null || value === undefined ? "–"
      : value >= 1e6 ? `${(value / 1e6).toFixed(1)} MB` : value >= 1e3 ? `${(value / 1e3).toFixed(1)} kB` : `${Math.round(value)} B`;
  const percent = (value) => (value === null || value === undefined ? "–" : `${Math.round(value * 100)}%`);
  const ms = (value) => (value === null || value === undefined ? "–" : `${number(value)} ms`);

  class Chart {
    constructor(title, remark, format, series) {
      Object.assign(this, { title, format, series });
      this.legend = make("div", { class: "legend" });
      this.picture = svg("svg", { viewBox: "0 0 480 150", role: "img" });
      this.element = make("figure", {}, make("h3", {}, title), this.legend, this.picture,
        make("figcaption", { class: "muted" }, remark));
    }

    // `points` are those since the load began, or since the page was opened; `marks` are the events
    // meanwhile; a series is {name, of(point) -> number|null}
    draw(points, marks, names) {
      const lines = this.series(names).map((series) => ({
        ...series, values: points.map((point) => ({ at: point.at, value: series.of(point) ?? null })),
      }));
      const all = lines.flatMap((line) => line.values.map(({ value }) => value)).filter((value) => value !== null);
      const top = nice(Math.max(0, ...all));
      const end = points.length ? points[points.length - 1].at : 0;
      const span = Math.max(LEAST_S, points.length ? end - points[0].at : 0);
      const x = (at) => 60 + 416 * (1 - (end - at) / span), y = (value) => 130 - 112 * (value / top);
      const shares = this.format(top / 2) === this.format(top) ? [0, 1] : [0, 0.5, 1];
      const parts = shares.flatMap((share) => [
        svg("line", { class: "grid", x1: 60, x2: 476, y1: y(top * share), y2: y(top * share) }),
        svg("text", { x: 55, y: y(top * share) + 4, "text-anchor": "end" }, this.format(top * share)),
      ]);
      for (const [back, anchor] of [[span, "start"], [span / 2, "middle"], [0, "end"]]) {
        const label = back ? `${duration(back)} ago` : "now";
        parts.push(svg("text", { x: x(end - back), y: 147, "text-anchor": anchor }, label));
      }
      marks.forEach((mark, index) => {
        if (mark.at < end - span) return;
        const line = svg("line", { class: "mark", x1: x(mark.at), x2: x(mark.at), y1: 14, y2: 130 });
        line.append(svg("title", {}, mark.what));
        parts.push(line, svg("text", { class: "mark", x: x(mark.at), y: 10, "text-anchor": "middle" }, `${index + 1}`));
      });
      for (const line of lines) {
        parts.push(svg("path", { d: path(line.values, x, y), stroke: line.colour, "stroke-dasharray": line.dash || "none" }));
      }
      this.picture.replaceChildren(...parts);
      const last = lines.map((line) => [line, lastOf(line.values)]);
      this.legend.replaceChildren(...last.map(([line, value]) =>
        make("span", { style: `--of: ${line.colour}; --line: ${line.dash ? "dashed" : "solid"}` }, `${line.name} ${this.format(value)}`)));
      this.picture.setAttribute("aria-label", `${this.title}; now ${last.map(([line, value]) => `${line.name} ${this.format(value)}`).join(", ")}`);
    }
  }

  const duration = (seconds) => (seconds < 90 ? `${Math.round(seconds)} s` : `${number(seconds / 60)} min`);
  const nice = (most) => {
    if (most <= 0) return 1;
    const power = 10 ** Math.floor(Math.log10(most));
    return power * [1, 2, 5, 10].find((step) => step * power >= most);
  };
  // the last value that is not null, unless it is old
  const lastOf = (values) => {
    const last = values.findLast(({ value }) => value !== null);
    return last && values[values.length - 1].at - last.at < 2 * GAP_S ? last.value : null;
  };
  // values may be sparse; a long time without one is a gap in the line
  const path = (values, x, y) => {
    let d = "", pen = false, before = 0;
    for (const { at, value } of values) {
      if (value === null) continue;
      d += `${pen && at - before < GAP_S ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = true; before = at;
    }
    return d;
  };

  const perServer = (of) => (names) => names.map((name) => ({ name, colour: colour(name), of: of(name) }));
  const CHARTS = () => [
    new Chart("Requests to the API server per second", "From the audit log, by the identity of each server; watches count when they are opened.",
      number, perServer((name) => (point) => sum(point.requests[name]))),
    new Chart("Useful answers per second", "Answers of each server to the users started here, without failed ones.",
      number, perServer((name) => (point) => point.answers[name])),
    new Chart("Processor time", "Of the control plane and of each server; 100% is one processor.", percent,
      (names) => [...["apiserver", "etcd"], ...names].map((name) => ({
        name: name === "apiserver" ? "kube-apiserver" : name, colour: colour(name),
        dash: names.includes(name) ? "5 3" : undefined, of: (point) => point.cpu[name] }))),
    new Chart("Bytes from the API server per second", "As each server counts them, and all that the API server sent; a value every 5 s.", bytes,
      (names) => [...names, "apiserver"].map((name) => ({
        name: name === "apiserver" ? "to all clients" : name, colour: colour(name),
        dash: names.includes(name) ? undefined : "5 3", of: (point) => point.bytes[name] }))),
    new Chart("Age of an answer after a write", "A probe writes a pod and reads it from each server until the write shows, every 5 s.", ms,
      perServer((name) => (point) => (point.freshness || {})[name])),
    new Chart("Refused with 429 per second", "Too many requests: the API server's flow control refused them.", number,
      perServer((name) => (point) => point.throttled[name] || 0)),
  ];

  class Page {
    constructor(element) {
      this.points = []; this.seq = 0; this.running = false;
      this.alarms = make("div", { role: "status" });
      this.tiles = make("div", { class: "tiles" });
      this.charts = CHARTS();
      this.marks = make("ol", { class: "marks muted" });
      this.facts = make("p", { class: "muted" });
      this.rows = make("tbody");
      this.reads = make("input", { type: "number", min: "0.1", max: "1000", step: "any", name: "reads", value: "10", required: "" });
      this.start = make("button", { class: "strong" });
      this.rate = make("input", { type: "number", min: "0", max: "1000", step: "any", name: "per_s", required: "" });
      this.freeze = make("button", { type: "button" }, "Freeze the API server for 10 s");
      this.download = make("button", { type: "button" }, "Download as results");
      this.status = make("p", { class: "muted", role: "status" });
      const load = form("reads per second of each server", this.reads, this.start, () => (this.running ? this.stop() : this.begin()));
      const churn = form("writes to pods per second", this.rate, make("button", {}, "Set"), () =>
        this.act("churn", { per_s: this.rate.value }, (answer) => `${number(answer.per_s)} writes per second from now on.`));
      this.freeze.addEventListener("click", () => this.act("freeze", {}, () => "The API server is frozen. See which server still answers."));
      this.download.addEventListener("click", () => this.save());
      element.append(
        make("h1", {}, "Requests to the API server"),
        make("p", {}, "Both servers answer ", make("code", {}, "GET /pods"), ": direct asks the API server for each read, informer answers from its memory, which one watch keeps current."),
        this.alarms, make("div", { class: "controls" }, load, churn, this.freeze, this.download), this.status,
        this.tiles, this.marks, make("div", { class: "charts" }, ...this.charts.map((chart) => chart.element)),
        make("h2", {}, "Requests by identity and verb"),
        make("div", { class: "wide" }, make("table", {},
          make("thead", {}, make("tr", {}, ...["identity", "verb", "per second", "since the page was first opened"].map((text) => make("th", { scope: "col" }, text)))), this.rows)),
        this.facts);
      setInterval(() => this.poll(), EVERY_MS);
      this.poll();
    }

    async poll() {
      if (document.visibilityState !== "visible" || this.asking) return;
      this.asking = true;
      try {
        const response = await fetch(new URL(`live.json?since=${this.seq}`, BASE));
        if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
        this.take(await response.json());
      } catch (error) {
        this.alarm([`This page's server does not answer: ${error.message}. The figures below are old.`]);
      } finally {
        this.asking = false;
      }
    }

    take(live) {
      if (live.seq < this.seq) { this.points = []; }  // another run at the same address
      this.seq = live.seq;
      this.points.push(...live.points);
      const end = this.points.length ? this.points[this.points.length - 1].at : 0;
      this.points = this.points.filter((point) => point.at > end - KEPT_S);
      const now = live.now, names = Object.keys(now.servers || {}).sort();
      this.alarm(troubles(live, names));
      this.running = ["spawning", "running"].includes(live.test.state);
      this.start.textContent = this.running ? "Stop the load" : "Load both servers alike";
      this.start.disabled = live.test.workers === 0;
      if (document.activeElement !== this.rate && now.churn_per_s !== undefined) this.rate.value = now.churn_per_s;
      if (this.freeze.disabled && !(now.frozen_s > 0)) this.status.textContent = "The API server runs again.";
      this.freeze.disabled = now.frozen_s > 0;
      this.freeze.textContent = now.frozen_s > 0 ? `Frozen for ${Math.ceil(now.frozen_s)} s more` : "Freeze the API server for 10 s";
      const last = this.points[this.points.length - 1];
      const shown = sinceLoad(this.points, this.running);
      const marks = (now.marks || []).filter((mark) => shown.length && mark.at >= shown[0].at);
      this.tiles.replaceChildren(...names.map((name) => tile(name, now, last)));
      for (const chart of this.charts) chart.draw(shown, marks, names);
      this.marks.replaceChildren(...marks.map((mark) => make("li", {}, `${new Date(mark.at * 1000).toLocaleTimeString("en-GB")} ${mark.what}`)));
      this.rows.replaceChildren(...Object.entries(now.totals || {}).flatMap(([identity, verbs]) =>
        Object.entries(verbs).map(([verb, total]) => make("tr", {}, make("td", {}, identity), make("td", {}, verb),
          make("td", {}, number(((last || {}).requests || {})[identity]?.[verb] ?? 0)), make("td", {}, total.toLocaleString("en"))))));
      this.facts.textContent = `${(now.pods ?? 0).toLocaleString("en")} pods. Open watches: ${whole(now.pod_watches)} on pods, ${whole(now.watches)} in all. `
        + `Refused by flow control so far: ${whole(now.rejected)}.`;
    }

    alarm(texts) {
      const key = texts.join("\n");
      if (this.alarmed === key) return;
      this.alarmed = key;
      this.alarms.replaceChildren(...texts.map((text) => make("p", { class: "alarm" }, text)));
    }

    // one user per server keeps the rate whatever the answers: both get the same load
    async begin() {
      const content = new URLSearchParams(PRESET);
      content.set("rate", this.reads.value);
      for (const server of SERVERS) content.append("user_classes", `${server}: ${ROUTE}`);
      await this.postToLocust("swarm", content, `Each server gets ${this.reads.value} reads per second.`);
    }

    async stop() {
      await this.postToLocust("stop", new URLSearchParams(), "The load is stopped.");
    }

    async postToLocust(path, content, success) {
      try {
        const response = await fetch(new URL(`../${path}`, BASE), { method: "POST", body: content });
        const answer = response.ok ? await response.json() : { success: false, message: response.status };
        this.status.textContent = answer.success ? success : `Not done: ${answer.message}`;
        this.poll();
      } catch (error) {
        this.status.textContent = `Not done: ${error.message}`;
      }
    }

    async act(path, content, describe) {
      try {
        const response = await fetch(new URL(path, BASE), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) });
        this.status.textContent = response.ok ? describe(await response.json()) : await reason(response);
        this.poll();
      } catch (error) {
        this.status.textContent = `Not done: ${error.message}`;
      }
    }

    async save() {
      this.status.textContent = "Packing the results…";
      try {
        const response = await fetch(new URL("session", BASE), { method: "POST" });
        if (!response.ok) { this.status.textContent = await reason(response); return; }
        const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") || "")?.[1] || "session.tar.gz";
        const link = make("a", { href: URL.createObjectURL(await response.blob()), download: name });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60000);
        this.status.replaceChildren("In the checkout: ", make("code", {}, `tar -xzf ${name} -C results && make report RUN=${name.replace(".tar.gz", "")}`));
      } catch (error) {
        this.status.textContent = `No download: ${error.message}`;
      }
    }
  }

  const form = (text, input, button, submit) => {
    const element = make("form", {}, make("label", {}, text, input), button);
    element.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
    return element;
  };

  // the points since the running users, or the last ones, began
  const sinceLoad = (points, running) => {
    const began = points.findLastIndex((point, index) => point.users > 0 && !(points[index - 1]?.users > 0));
    return points.slice(running && began > 0 ? began - 1 : 0);
  };

  const reason = async (response) => {
    const text = await response.text();
    try { return `Not done: ${JSON.parse(text).error}`; } catch { return `Not done: ${response.status}`; }
  };

  const troubles = (live, names) => {
    const now = live.now, texts = [];
    if (live.error) texts.push(`${live.error}. The figures below are old.`);
    if (now.frozen_s > 0) texts.push(`The API server is frozen for ${Math.ceil(now.frozen_s)} s more.`);
    else if (now.api_server_trouble) texts.push(`The API server is down: ${now.api_server_trouble}. It is started again.`);
    else if (now.silent_s > 0) texts.push(`The API server has not answered for ${now.silent_s} s.`);
    else if (now.scrape_trouble) texts.push(`The API server's metrics cannot be read: ${now.scrape_trouble}`);
    for (const name of names) {
      const trouble = now.servers[name].trouble;
      if (trouble) texts.push(`The server ${name} is down: ${trouble}. It is started again.`);
    }
    for (const name of now.not_shown || []) texts.push(`The server ${name} did not show the probe's last write within 5 s.`);
    if (now.churn_trouble) texts.push(`Nothing changes in the cluster any more: ${now.churn_trouble}`);
    if (now.audit_trouble) texts.push(now.audit_trouble);
    return texts;
  };

  const tile = (name, now, last) => {
    const ratio = (now.per_answer || {})[name];
    const asked = last ? sum(last.requests[name]) : null, answers = last ? last.answers[name] : null, failed = last ? last.failed[name] : 0;
    const mark = (now.marks || [])[(now.marks || []).length - 1], since = now.per_answer_since;
    const span = since && mark ? `since: ${mark.what}` : "last minute";
    return make("div", { class: "tile", style: `--of: ${colour(name)}`, "data-server": name },
      make("h2", {}, name),
      make("div", { class: "pair" },
        make("div", {}, make("div", { class: "figure ratio" }, number(ratio)), make("p", {}, "requests to the API server for each answer")),
        make("div", {}, make("div", { class: "figure answers" }, number(answers)), make("p", {}, "answers per second, now"))),
      make("p", { class: "muted" }, `${span}; now ${number(asked)} requests per second` + (failed ? `, ${number(failed)} failed answers per second` : "")));
  };

  new Page(document.getElementById("page"));
})();
