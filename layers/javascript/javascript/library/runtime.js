// The runtime of a job. Python calls the functions of `entry` at the end of this file. JavaScript
// never calls Python: it puts a question into `questions` and awaits the answer.
//
// All files of the library are parts of one function, so that a job sees none of these names. What
// a job may replace (`JSON.stringify = …`) is bound here before it runs.

const { parse, stringify } = JSON;
const { isArray } = Array;
const { keys, getPrototypeOf, prototype: ObjectPrototype } = Object;
const now = Date.now;
const evaluate = eval; // called by another name, it evaluates in the global scope

const questions = []; // what Python has not read yet
const answers = new Map(); // by the number of the question: what settles its promise
const lines = []; // of the log
const timers = []; // by time
const rejected = []; // the errors of promises that nobody awaits
const operations = []; // functions that create the job's operations, in the order of the file
let created = null; // the operations themselves
let held = null; // the state, between operations
let result = null; // of what was started last
let numbers = 0;

// Asks Python to apply an operation of an adaptor; resolves to its answer.
function ask(name, ...values) {
  const question = [++numbers, name, values, lineOf(new Error())];
  questions.push(stringify(question, toPlain));
  return new Promise((resolve, reject) => answers.set(question[0], { resolve, reject }));
}

function toPlain(_key, value) {
  return typeof value === "bigint" ? String(value) : value;
}

// Joins texts into one that Python can read: it cannot read the ropes that `+` makes of long ones.
const flat = (...texts) => texts.join("");

// A job may have given all objects a method `toJSON`.
const toJson = (value) => stringify(value && typeof value === "object" ? { __proto__: null, ...value } : value);

// The line of the author's file in a stack; the lines of the library have large numbers.
const FIRST_LINE_OF_LIBRARY = 65536;
function lineOf(error) {
  for (const [, line] of String(error?.stack ?? "").matchAll(/<input>:(\d+)/g)) {
    if (Number(line) < FIRST_LINE_OF_LIBRARY) return Number(line);
  }
  return error?.$line ?? 0;
}

// --- What a job's compiled code calls ----------------------------------------------------------

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}

define("__operation", (number, create) => { operations[number] = create; });
define("__operations", (list) => { operations.push(...list.map((operation) => () => operation)); });
define("__watch", watch);
define("__watched", (callback) => (...values) => watch(callback(...values)));
define("__defer", (operation, onError, complete = (promise) => promise) => (state) =>
  complete(Promise.resolve().then(() => operation(state)).catch((error) => {
    if (!onError) throw error;
    return onError(error, state);
  })));

function watch(value) {
  if (typeof value?.then === "function") value.then(undefined, (error) => { rejected.push(error); });
  return value;
}

// --- The console and timers --------------------------------------------------------------------

function textOf(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value === "function") return `[Function: ${value.name || "anonymous"}]`;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return stringify(value, toPlain, 2) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value); // it contains itself
  }
}

function print(...values) {
  lines.push(values.map(textOf).join(" "));
}

const ignore = () => undefined;
define("console", {
  log: print, info: print, warn: print, error: print, debug: print, trace: print, table: print,
  dir: print, group: print, groupEnd: ignore, time: ignore, timeEnd: ignore, assert: ignore,
});

function addTimer(callback, milliseconds = 0, every, values) {
  const timer = { id: ++numbers, due: now() + Math.max(0, Number(milliseconds) || 0), callback, every, values };
  const position = timers.findIndex(({ due }) => due > timer.due);
  timers.splice(position < 0 ? timers.length : position, 0, timer);
  return timer.id;
}

function removeTimer(id) {
  const position = timers.findIndex((timer) => timer.id === id);
  if (position >= 0) timers.splice(position, 1);
}

define("setTimeout", (callback, milliseconds, ...values) => addTimer(callback, milliseconds, false, values));
define("setInterval", (callback, milliseconds, ...values) => addTimer(callback, milliseconds, true, values));
define("clearTimeout", removeTimer);
define("clearInterval", removeTimer);

// As in Node.js, whose time zone is UTC where jobs run.
const dateText = Date.prototype.toString;
Date.prototype.toString = function toString() {
  const text = dateText.call(this);
  return /GMT\+0000$/.test(text) ? `${text} (Coordinated Universal Time)` : text;
};

// --- Errors and states -------------------------------------------------------------------------

function describe(error) {
  try {
    const isError = error instanceof Error || typeof error?.message === "string";
    const name = isError ? String(error.name || "Error") : "Error";
    const message = isError ? String(error.message) : `The job threw ${textOf(error)}.`;
    return { name, message, line: lineOf(error), question: error?.$question };
  } catch {
    return { name: "Error", message: "The job threw a value that has no text.", line: 0 };
  }
}

// Returns a state as JSON. What JSON does not know becomes text.
function stateText(state) {
  let text;
  try {
    text = stringify(state, toPlain);
  } catch {
    const parts = keys(state).map((key) => [stringify(key), partText(state[key])]);
    const present = parts.filter(([, part]) => part !== undefined).map((part) => part.join(":"));
    text = flat("{", present.join(","), "}");
  }
  if (text?.[0] !== "{") throw new TypeError("it has a method `toJSON`");
  return text;
}

function partText(value) {
  try {
    return stringify(value, toPlain);
  } catch (error) {
    return stringify(`this cannot be written as JSON: ${describe(error).name}`);
  }
}

// Whether JSON can represent a value such that a job sees no difference.
function isExact(value, depth = 0) {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== "object" || depth > 500) return value === undefined && depth > 0;
  if (isArray(value)) {
    return value.every((item) => item !== undefined && isExact(item, depth + 1)) && keys(value).length === value.length;
  }
  const prototype = getPrototypeOf(value);
  if (prototype !== ObjectPrototype && prototype !== null) return false;
  return keys(value).every((key) => isExact(value[key], depth + 1)) && typeof value.toJSON !== "function";
}

function start(work) {
  result = null;
  Promise.resolve().then(work).then(
    () => { result = { ok: true }; },
    (error) => { result = describe(error); },
  );
}

async function createOperations() {
  created = [];
  for (const create of operations) {
    const operation = await create();
    created.push(operation);
    if (typeof operation !== "function") {
      print(`WARNING: call ${created.length} at the top level returned no operation, so it changes nothing.`);
    }
  }
}

async function apply(number) {
  // OpenFn's `execute` passes the state by what is no function.
  const after = typeof created[number] === "function" ? await created[number](held) : held;
  if (!after) {
    print("WARNING: the operation did not return the state. End the function with `return state`.");
  } else if (typeof after !== "object") {
    throw new TypeError(`The operation returned ${textOf(after)}, not the state. End the function with \`return state\`.`);
  }
  held = after || {};
}
