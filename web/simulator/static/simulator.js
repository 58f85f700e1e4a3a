"use strict";
/* The phones of the simulator page. Everything comes from /simulator/api; the page keeps only
   which phones are shown. Text from phones is put in as text, never as markup. */

const API = "/simulator/api";
const POLL_MS = 1000;
const SHOWN_MAX = 8;
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const STORE = "nafasi-phones";
const FIRST = [
  { number: "+254700000001", language: "en" },
  { number: "+254700000011", language: "en" },
];

const phones = new Map();
const messages = new Map();
let facts = { ussd_code: "", sms_shortcode: "", networks: {}, operators: [] };

const byId = (id) => document.getElementById(id);

function say(text) {
  byId("status").textContent = text;
}

async function call(method, path, body) {
  const answer = await fetch(API + path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  const said = await answer.json();
  if (!answer.ok) {
    throw new Error(said.error?.message ?? said.error ?? `HTTP ${answer.status}`);
  }
  return said;
}

/* Runs what a person asked for and says why when it did not work. */
async function attempt(work) {
  try {
    say("");
    return await work();
  } catch (error) {
    say(error.message);
    return undefined;
  }
}

function count(number, unit) {
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}

function e164(typed) {
  const digits = typed.replace(/[\s()-]/g, "");
  if (/^0[17]\d{8}$/.test(digits)) return "+254" + digits.slice(1);
  if (/^254[17]\d{8}$/.test(digits)) return "+" + digits;
  if (/^\+[1-9]\d{7,14}$/.test(digits)) return digits;
  throw new Error("That is not a phone number. Try 0700000002.");
}

function remember() {
  const shown = [...phones.values()].map(({ number, language }) => ({ number, language }));
  localStorage.setItem(STORE, JSON.stringify(shown));
}

function remembered() {
  try {
    const shown = JSON.parse(localStorage.getItem(STORE));
    return Array.isArray(shown) && shown.length ? shown.slice(0, SHOWN_MAX) : FIRST;
  } catch {
    return FIRST;
  }
}

class Phone {
  constructor({ number, language }) {
    this.number = number;
    this.language = language === "sw" ? "sw" : "en";
    this.open = false;
    this.busy = false;
    this.shown = new Map();
    this.node = byId("phone").content.firstElementChild.cloneNode(true);
    this.fill();
    this.listen();
    byId("phones").append(this.node);
  }

  find(selector) {
    return this.node.querySelector(selector);
  }

  fill() {
    const heading = this.find("h2");
    heading.textContent = this.number;
    heading.id = "phone-" + this.number.slice(1);
    this.node.setAttribute("aria-labelledby", heading.id);
    this.find("[name=code]").value = facts.ussd_code;
    this.find("[data-shortcode]").textContent = facts.sms_shortcode;
    this.find("[data-language]").value = this.language;
    for (const name of Object.keys(facts.networks)) {
      this.find("[data-network]").append(new Option(name, name));
    }
    for (const name of facts.operators) {
      this.find("[data-operator]").append(new Option(name, name));
    }
    for (const key of KEYS) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = key;
      button.addEventListener("click", () => this.press(key));
      this.find(".keypad").append(button);
    }
    this.speak();
  }

  listen() {
    this.find("[data-dial]").addEventListener("submit", (event) => {
      event.preventDefault();
      this.dial();
    });
    this.find("[data-answer]").addEventListener("submit", (event) => {
      event.preventDefault();
      this.answer();
    });
    this.find("[data-compose]").addEventListener("submit", (event) => {
      event.preventDefault();
      this.write(event.target.elements.text);
    });
    this.find("[data-do=hangup]").addEventListener("click", () => this.hangUp());
    this.find("[data-do=remove]").addEventListener("click", () => this.remove());
    this.find("[data-network]").addEventListener("change", (event) =>
      attempt(() => call("POST", "/phones", { phone: this.number, network: event.target.value })),
    );
    this.find("[data-operator]").addEventListener("change", (event) =>
      attempt(() => call("POST", "/phones", { phone: this.number, operator: event.target.value })),
    );
    this.find("[data-language]").addEventListener("change", (event) => {
      this.language = event.target.value;
      this.speak();
      remember();
    });
  }

  /* Tells screen readers which language the phone shows. */
  speak() {
    this.find(".screen").lang = this.language;
    this.find(".thread").lang = this.language;
  }

  press(key) {
    const input = this.find(this.open ? "[name=input]" : "[name=code]");
    input.value += key;
    input.focus();
  }

  async dial() {
    const code = this.find("[name=code]").value.trim();
    const network = this.find("[data-network]").value;
    await this.hop("/dial", network ? { code, network } : { code });
    if (this.open) this.find("[name=input]").focus();
  }

  async answer() {
    const input = this.find("[name=input]");
    if (!this.open) {
      say("No call is open on this phone. Dial first.");
      return;
    }
    const typed = input.value;
    input.value = "";
    await this.hop("/answer", { input: typed });
    input.focus();
  }

  async hop(path, values) {
    if (this.busy) return;
    this.busy = true;
    this.find(".state").textContent = "waiting...";
    const shown = await attempt(() => call("POST", path, { phone: this.number, ...values }));
    this.busy = false;
    if (!shown) {
      this.find(".state").textContent = this.open ? "open" : "no call";
      return;
    }
    this.open = !shown.final;
    this.find(".screen").textContent = shown.text;
    const last = shown.error ? `failed: ${shown.error}` : "ended";
    this.find(".state").textContent = this.open ? `open, hop ${shown.hops}` : last;
    this.find(".septets").textContent = `${shown.septets}/160 septets`;
    this.find(".septets").classList.toggle("over", shown.septets > 160);
    this.find(".raw-in").textContent = shown.raw_request ?? "";
    this.find(".raw-out").textContent = shown.raw_response ?? "";
    this.node.classList.toggle("calling", this.open);
  }

  async hangUp() {
    await attempt(() => call("POST", "/hangup", { phone: this.number }));
    this.over("hung up");
  }

  over(why) {
    this.open = false;
    this.find(".state").textContent = why;
    this.node.classList.remove("calling");
  }

  async write(input) {
    const text = input.value;
    if (!text) return;
    const sent = await attempt(() => call("POST", "/sms", { from: this.number, text }));
    if (sent) input.value = "";
    await refresh();
  }

  remove() {
    phones.delete(this.number);
    this.node.remove();
    remember();
    byId("add").elements.phone.focus();
  }

  show(state, wallet) {
    if (state) {
      const network = this.find("[data-network]");
      if (document.activeElement !== network) network.value = state.network;
      const operator = this.find("[data-operator]");
      if (document.activeElement !== operator) operator.value = state.operator;
      if (this.open && !state.session && !this.busy) this.over("the network ended the call");
    }
    if (wallet) {
      const shillings = Math.floor(wallet.balance_cents / 100).toLocaleString("en-KE");
      this.find(".wallet").textContent = `M-Pesa KES ${shillings}`;
    }
  }

  showMessages() {
    const thread = this.find(".thread");
    const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 40;
    let added = false;
    for (const sms of messages.values()) {
      const toPhone = sms.direction === "to_phone";
      if ((toPhone ? sms.to : sms.from) !== this.number) continue;
      let item = this.shown.get(sms.id);
      if (!item) {
        item = document.createElement("li");
        item.className = toPhone ? "in" : "out";
        item.append(document.createElement("p"), document.createElement("small"));
        item.firstChild.textContent = sms.text;
        thread.append(item);
        this.shown.set(sms.id, item);
        added = true;
      }
      const party = toPhone ? sms.from : `to ${sms.to}`;
      const size = `${count(sms.segments, "segment")}, ${count(sms.septets, "septet")}`;
      const whole = `${party}, ${size}, ${sms.status}`;
      if (item.lastChild.textContent !== whole) item.lastChild.textContent = whole;
    }
    if (added && atEnd) thread.scrollTop = thread.scrollHeight;
  }

  showPrompts(all) {
    const open = all.filter((prompt) => prompt.phone === this.number);
    const holder = this.find(".prompts");
    const wanted = new Set(open.map((prompt) => prompt.id));
    for (const node of [...holder.children]) {
      if (!wanted.has(node.dataset.id)) node.remove();
    }
    const there = new Set([...holder.children].map((node) => node.dataset.id));
    for (const prompt of open) {
      if (!there.has(prompt.id)) holder.append(promptNode(prompt));
    }
  }
}

function promptNode(prompt) {
  const node = byId("prompt").content.firstElementChild.cloneNode(true);
  const amount = prompt.amount.toLocaleString("en-KE");
  node.dataset.id = prompt.id;
  node.querySelector("p").textContent =
    `M-Pesa: pay KES ${amount} to ${prompt.business_name}, ` +
    `account ${prompt.account_reference}? Enter PIN.`;
  for (const button of node.querySelectorAll("button")) {
    button.addEventListener("click", async () => {
      const { outcome } = button.dataset;
      await attempt(() => call("POST", `/stk/${prompt.id}`, { outcome }));
      node.remove();
      await refresh();
    });
  }
  return node;
}

function add(spec) {
  if (phones.has(spec.number)) throw new Error(`${spec.number} is here already.`);
  if (phones.size >= SHOWN_MAX) throw new Error(`At most ${SHOWN_MAX} phones fit here.`);
  phones.set(spec.number, new Phone(spec));
  remember();
}

let refreshing = false;

async function refresh() {
  if (refreshing) return;
  refreshing = true;
  try {
    const [known, sms, stk, wallets, clock] = await Promise.all([
      call("GET", "/phones"),
      call("GET", "/sms"),
      call("GET", "/stk"),
      call("GET", "/wallets"),
      call("GET", "/clock"),
    ]);
    const states = new Map(known.phones.map((state) => [state.phone, state]));
    const purses = new Map(wallets.wallets.map((wallet) => [wallet.phone, wallet]));
    for (const one of sms.sms) messages.set(one.id, one);
    for (const phone of phones.values()) {
      phone.show(states.get(phone.number), purses.get(phone.number));
      phone.showMessages();
      phone.showPrompts(stk.stk);
    }
    showTime(clock.now);
  } catch {
    say("The simulator does not answer. Is `nafasi up` running?");
  } finally {
    refreshing = false;
  }
}

function showTime(now) {
  const form = { timeZone: "Africa/Nairobi", dateStyle: "medium", timeStyle: "short" };
  byId("now").dateTime = now;
  byId("now").textContent = new Intl.DateTimeFormat("en-GB", form).format(new Date(now));
}

async function moveClock(button) {
  const buttons = document.querySelectorAll("[data-hours]");
  for (const one of buttons) one.disabled = true;
  say("Moving time; everything that falls due on the way happens...");
  try {
    const { now } = await call("POST", "/clock", { hours: Number(button.dataset.hours) });
    showTime(now);
    say("Time has been moved.");
  } catch (error) {
    say(error.message);
  }
  for (const one of buttons) one.disabled = false;
  button.focus();
  await refresh();
}

function listen() {
  byId("add").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      add({ number: e164(event.target.elements.phone.value), language: "en" });
      await refresh();
    });
  });
  for (const button of document.querySelectorAll("[data-hours]")) {
    button.addEventListener("click", () => moveClock(button));
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
}

async function begin() {
  listen();
  try {
    facts = await call("GET", "/phones");
  } catch {
    say("The simulator does not answer. Is `nafasi up` running?");
    setTimeout(() => location.reload(), 3 * POLL_MS);
    return;
  }
  document.querySelector("[data-code]").textContent = facts.ussd_code;
  for (const spec of remembered()) add(spec);
  await refresh();
  setInterval(() => document.hidden || refresh(), POLL_MS);
}

begin();
