// Values and lists of `common`, as OpenFn's language-common has them.

// A path of plain names needs no JSONPath, whose code takes longer to load than most jobs to run.
const PLAIN_PATH = /^\$(?:\.[A-Za-z_]\w*)+$/;

function query(path, json) {
  if (typeof path !== "string" || !PLAIN_PATH.test(path)) return jsonPath()({ path, json });
  let value = json;
  for (const name of path.slice(2).split(".")) {
    if (!value || !Object.hasOwn(value, name)) return [];
    value = value[name];
  }
  return [value];
}

let loadedJsonPath = null;
function jsonPath() {
  if (!loadedJsonPath) {
    evaluate(jsonPathCode);
    loadedJsonPath = globalThis.JSONPath.JSONPath;
    delete globalThis.JSONPath;
  }
  return loadedJsonPath;
}

let loadedLodash = null;
function lodash() {
  if (!loadedLodash) {
    delete globalThis._; // the property that has called this function
    evaluate(lodashCode);
    loadedLodash = globalThis._;
  }
  return loadedLodash;
}

// Replaces functions of the state by their values, inside lists and objects too.
function expand(state, value) {
  if (typeof value === "function") return expand(state, value(state));
  if (isArray(value)) return value.map((item) => expand(state, item));
  if (typeof value !== "object" || value === null || value.constructor?.name === "RegExp") return value;
  return Object.fromEntries(keys(value).map((key) => [key, expand(state, value[key])]));
}

const afterLeadingDots = (path) => path.match(/^[$.]*(.+)/)[1];
const source = (path) => (state) => query(path, state);
const sourceValue = (path) => (state) => query(path, state)[0];
const dataPath = (path) => `$.data.${afterLeadingDots(path)}`;
const referencePath = (path) => `$.references${afterLeadingDots(path)}`;

function asData(data, state) {
  if (typeof data === "string") return query(data, state);
  return typeof data === "function" ? data(state) : data;
}

function join(targetPath, sourcePath, key) {
  return (state) =>
    query(targetPath, state).map((item) => ({ [key]: sourceValue(sourcePath)(state), ...item }));
}

function merge(path, additions) {
  return (state) => {
    const items = query(path, state), more = expand(state, additions);
    return items.map((item) => ({ ...item, ...more }));
  };
}

function composeNextState(state, response) {
  state.references ??= [];
  return { ...state, data: response, references: [...state.references, state.data] };
}

function humanProper(text) {
  if (typeof text !== "string") return text;
  const capitalize = (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
  return text.replace(/[_-]/g, " ").replace(/\w\S*/g, capitalize);
}

function splitKeys(object, names) {
  const parts = [{}, {}];
  for (const key of keys(object)) parts[names.includes(key) ? 1 : 0][key] = object[key];
  return parts;
}

// Also replaces typographic quotes, dashes and the euro sign, as OpenFn's does.
const EMOJIS = /\uFE0F|\u00a9|\u00ae|[\u2000-\u3300]|\ud83c[\ud000-\udfff]|\ud83d[\ud000-\udfff]|\ud83e[\ud000-\udfff]/g;

function scrubEmojis(text, replacement) {
  if (!text) return text;
  if (replacement === "") print("WARNING: removing characters can join what was separate. Replace them.");
  return text.replace(EMOJIS, replacement || replacement === "" ? replacement : "\uFFFD");
}

function chunk(array, size) {
  const chunks = [];
  for (let start = 0; start < array.length; start += size) chunks.push(array.slice(start, start + size));
  return chunks;
}

// The value at a path of keys, such as `a.b[0]`.
function valueAt(object, path) {
  const steps = isArray(path) ? path : String(path).split(/[.[\]]+/).filter((step) => step !== "");
  if (!isArray(path) && object != null && path in Object(object)) return object[path];
  return steps.reduce((value, step) => value?.[step], object);
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function bytesOf(text) {
  return [...encodeURIComponent(text).matchAll(/%(..)|./g)].map(([character, hex]) =>
    hex ? parseInt(hex, 16) : character.charCodeAt(0));
}

function encodeBytes(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += 3) {
    const [a, b = 0, c = 0] = bytes.slice(start, start + 3);
    const bits = (a << 16) | (b << 8) | c, count = Math.min(4, bytes.length - start + 1);
    for (let n = 0; n < 4; n += 1) text += n < count ? BASE64[(bits >> (18 - 6 * n)) & 63] : "=";
  }
  return text;
}

function decodeBytes(text) {
  const bytes = [];
  let bits = 0, count = 0;
  for (const character of text.replace(/-/g, "+").replace(/_/g, "/")) {
    const value = BASE64.indexOf(character);
    if (value < 0) continue;
    bits = ((bits << 6) | value) & 0xffffff;
    count += 6;
    if (count >= 8) bytes.push((bits >> (count -= 8)) & 255);
  }
  return bytes;
}

function textOfBytes(bytes) {
  try {
    return decodeURIComponent(bytes.map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));
  } catch {
    return String.fromCharCode(...bytes); // no UTF-8
  }
}

define("btoa", (text) => encodeBytes([...String(text)].map((character) => character.charCodeAt(0))));
define("atob", (text) => String.fromCharCode(...decodeBytes(String(text))));

const util = {
  expandReferences: (state, ...values) => values.map((value) => expand(state, value)),
  encode: (data, { parseJson = true } = {}) =>
    encodeBytes(bytesOf(typeof data !== "string" && parseJson ? stringify(data) : data)),
  decode: (data, { parseJson = true } = {}) => {
    const text = textOfBytes(decodeBytes(data));
    if (!parseJson || !/^[[{]/.test(text)) return text;
    try {
      return parse(text);
    } catch {
      return text;
    }
  },
  uuid: () => "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (letter) => {
    const digit = Math.floor(Math.random() * 16);
    return (letter === "x" ? digit : (digit & 3) | 8).toString(16);
  }),
  throwError: (code, { description, fix, ...more } = {}) => {
    const error = new Error(description ? `${code}: ${description}` : code);
    throw Object.assign(error, { code }, description && { description }, fix && { fix }, more);
  },
};
