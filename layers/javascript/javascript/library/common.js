// The operations of `common`, as OpenFn's language-common has them: the newest, or with `isLegacy`
// those before version 3.

const { adaptor: ownAdaptor, rules } = parse(dialect);
const hasRule = (name) => rules.includes(name);
const adaptors = { common: () => ({}) }; // the operations of each, by name

// Asks Python to apply an operation of an adaptor with the job's credential.
async function call(state, name, values, options = {}) {
  return ask(name, values, dropUndefined(options), state.configuration ?? {});
}

const chain = (state, next) => (state.then ? state.then(next) : next(state));
const dropUndefined = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

function execute(...steps) {
  return (state) => steps.reduce((before, step) => before.then(step), Promise.resolve(state));
}

function fn(func) {
  return (state) => func(state);
}

function fnIf(condition, operation) {
  return (state) => (expand(state, condition) ? operation(state) : state);
}

function requireItems(items) {
  if (!items) throw new TypeError("dataSource argument for each operation is invalid.");
}

const applyToItems = (items, operation, state) =>
  asData(items, state).reduce((before, data, index) => chain(before, (after) => operation({ ...after, data, index })), state);

// Leaves the result of the last item in `data`; `beta.each` restores it.
function each(items, operation) {
  requireItems(items);
  return (state) => applyToItems(items, operation, state);
}

function eachAndRestore(items, operation) {
  requireItems(items);
  return (state) => chain(applyToItems(items, operation, state), (after) => ({ ...after, data: state.data }));
}

function combine(...steps) {
  return (state) => steps.reduce((before, step) => chain(before, (after) => step({ ...after })), state);
}

function map(path, callback) {
  return async (state) => {
    const results = [];
    for (const item of typeof path === "string" ? query(path, state) : path) {
      results.push(await callback(item, results.length, state));
    }
    return { ...state, data: results };
  };
}

function legacyMap(path, operation, ...given) {
  const apply = (state) => {
    asData(path, state).map((data) => operation({ data, references: state.references }));
    return state;
  };
  return given.length ? apply(given[0]) : apply;
}

function group(items, keyPath, callback = (state) => state) {
  return (state) => {
    const groups = {}, path = expand(state, keyPath);
    for (const item of Object.values(expand(state, items))) {
      const key = valueAt(item, path);
      if (key !== undefined) (groups[key] ??= []).push(item);
    }
    return callback({ ...state, data: groups });
  };
}

let cursorKey = "cursor";

function cursor(value, { format: custom, ...options } = {}) {
  return (state) => {
    const { defaultValue, key } = expand(state, options);
    cursorKey = key || cursorKey;
    const chosen = expand(state, value) ?? defaultValue;
    const date = typeof chosen === "string" ? naturalDate(chosen) : chosen;
    const isNatural = typeof chosen === "string" && date instanceof Date;
    state[cursorKey] = custom?.(date) ?? (isNatural ? date.toISOString() : chosen);
    const shown = isNatural && !custom ? format(date, "HH:mm d MMM yyyy (OOO)") : textOf(state[cursorKey]);
    print(`Setting ${cursorKey} ${isNatural ? `"${chosen}" ` : ""}to: ${shown}`);
    return state;
  };
}

function assert(expression, message) {
  return (state) => {
    const value = expand(state, expression);
    if (!value) throw new Error(expand(state, message) || `assertion statement failed with ${value}`);
    return state;
  };
}

function log(...values) {
  return (state) => {
    print(...expand(state, values));
    return state;
  };
}

function as(key, operation) {
  return async (state) => {
    const name = expand(state, key), before = state.data;
    const { data, ...rest } = await operation(state);
    Object.assign(state, { [name]: data, data: before });
    return { ...state, ...rest };
  };
}

function validate(schema = "schema", data = "data") {
  return async (state) => {
    state.validationErrors ??= [];
    const at = (value) => (typeof value === "string" ? query(value, state)[0] : value);
    const chosen = expand(state, schema);
    const isUrl = typeof chosen === "string" && /^https?:/.test(chosen);
    const used = isUrl ? (await sendPlainly("GET", chosen)).body : at(chosen);
    const errors = await ask("validate", used, at(expand(state, data)) ?? null);
    if (errors.length) state.validationErrors.push({ data: state.data, errors });
    return state;
  };
}

// `emit` is this project's own: the message goes to an inbox once the run has succeeded.
function emit(inbox, body = (state) => state.data) {
  return async (state) => {
    await call(state, "common.emit", [expand(state, inbox), expand(state, body) ?? null]);
    return state;
  };
}

// Requests without the credential: `http.get(…)` of language-common.
async function sendPlainly(method, url, { body, query: parameters, headers } = {}) {
  const options = { query: parameters, headers: asTexts(headers) };
  const sent = typeof body === "string" ? { text: body } : { json: body ?? undefined };
  const { data, response } = await call({}, "http.request", [method, url], { ...options, ...sent });
  return { ...responseOf(response), body: data };
}

const asTexts = (headers) => headers && Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

const responseOf = ({ method, url, status, headers }) => ({ method, url, statusCode: status, headers });

const plainHttp = {
  request: (method, url, options) => async (state) => {
    const { body, ...response } = await sendPlainly(...expand(state, [method, url, options]));
    return { ...state, response, data: body };
  },
  get: (url, options) => plainHttp.request("GET", url, options),
  post: (url, data, options) => plainHttp.request("POST", url, { body: data, ...options }),
  options: (options = {}) => {
    const setHeader = (name, value) => { (options.headers ??= {})[name] = value; return options; };
    const helpers = {
      json: () => setHeader("Content-Type", "application/json"),
      basic: (user, password) => setHeader("Authorization", `Basic ${util.encode(`${user}:${password}`)}`),
      bearer: (token) => setHeader("Authorization", `Bearer ${token}`),
      oauth: (token) => setHeader("Authorization", `Bearer ${token}`),
    };
    for (const [name, value] of Object.entries(helpers)) Object.defineProperty(options, name, { value });
    return options;
  },
};

Object.assign(util, {
  request: sendPlainly,
  get: (url, options) => sendPlainly("GET", url, options),
  post: (url, body, options) => sendPlainly("POST", url, { body, ...options }),
  put: (url, body, options) => sendPlainly("PUT", url, { body, ...options }),
  del: (url, body, options) => sendPlainly("DELETE", url, { body, ...options }),
});

// Before version 3, `http` was axios: one object with `url`, `data` and `headers`; the result is the
// response, not the state.
function legacyRequest(method) {
  return (parameters) => async (state) => {
    const { url, data, body, params, headers } = expand(state, parameters);
    const sent = await sendPlainly(method, url, { body: data ?? body, query: params, headers });
    return { data: sent.body, status: sent.statusCode, headers: sent.headers };
  };
}

const legacyHttp = Object.fromEntries(
  ["get", "post", "put", "patch", "delete", "head", "options"].map((name) => [name, legacyRequest(name.toUpperCase())]),
);

function commonNames(isLegacy) {
  const names = {
    alterState: fn, arrayToString: (array, separator) => Array.apply(null, array).join(separator), as, asData, assert,
    beta: { each: eachAndRestore }, chunk, combine, composeNextState, cursor, dataPath,
    dataValue: (path) => sourceValue(dataPath(path)), dateFns: { format, parse: parseDate }, debug: log, each, emit, execute,
    expandReferences: (value) => (state) => expand(state, value), field: (key, value) => [key, value],
    fields: (...pairs) => Object.fromEntries(pairs), fn, fnIf, group, http: isLegacy ? legacyHttp : plainHttp, humanProper,
    index: () => (state) => state.index, join, jsonValue: (object, path) => query(path, object)[0],
    lastReferenceValue: (path) => sourceValue(referencePath(`[0].${path}`)), log, map: isLegacy ? legacyMap : map, merge,
    parseCsv, referencePath, scrubEmojis, source, sourceValue, splitKeys, toArray: (value) => [].concat(value), util, validate,
  };
  return Object.defineProperty(names, "_", { get: lodash, enumerable: true, configurable: true });
}
