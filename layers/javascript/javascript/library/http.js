// The adaptor http. Before version 7, a body is one of the options: `post(path, {body, query})`.
// Before version 6 (axios), a text that is not JSON becomes `{body: text}`.

const TYPES = { json: "application/json", xml: "application/xml", string: "text/plain" };
const SUCCESS = Array.from({ length: 500 }, (_, number) => 100 + number);

// The options of all versions as those of our own adaptor.
function requestOptions({ headers = {}, ...options }) {
  const entries = Object.entries(headers);
  const contentType = entries.find(([name]) => /^content-type$/i.test(name))?.[1];
  const login = options.authentication ?? options.auth;
  const own = login?.username ? { Authorization: `Basic ${util.encode(`${login.username}:${login.password}`)}` } : {};
  return {
    ...bodyOptions(options, contentType),
    query: { ...options.params, ...options.qs, ...options.query },
    headers: asTexts({ ...own, ...Object.fromEntries(entries.filter(([name]) => !/^content-type$/i.test(name))) }),
    timeout: options.timeout ? options.timeout / 1000 : undefined,
    accept_statuses: acceptedStatuses(options),
    parse_as: options.parseAs === "base64" ? "base64" : "text",
  };
}

function bodyOptions(options, contentType) {
  const form = options.contentType === "form" ? options.body : options.form ?? options.formData;
  if (form && keys(form).length) return { files: {}, form: asTexts(form) };
  const json = typeof options.json === "object" ? options.json : undefined;
  const body = json ?? options.data ?? options.body;
  const named = contentType ?? TYPES[options.contentType ?? "json"];
  if (body === undefined || body === null || body === "") return {};
  return typeof body === "string" ? { text: body, content_type: named } : { json: body, content_type: contentType };
}

function acceptedStatuses({ errors = {}, options }) {
  if (errors === false) return SUCCESS;
  const ignored = Object.entries(errors).filter(([, message]) => message === false);
  return [...(options?.successCodes ?? []), ...ignored.map(([status]) => Number(status))];
}

function bodyOf({ data, response }, isAxios, parseAs) {
  const type = response.headers["content-type"];
  if (parseAs === "text" || parseAs === "base64") return data;
  if (data === null || data === "") return isAxios ? { body: "" } : undefined;
  if (type && !isAxios && parseAs !== "json" && !type.includes("application/json")) return data;
  try {
    return parse(data);
  } catch {
    if (parseAs === "json") throw new Error(`The body of the response from ${response.url} is not JSON.`);
    return isAxios ? { body: data } : data;
  }
}

function sendWithCredential(isAxios, method, path, options = {}, callback = (state) => state) {
  return async (state) => {
    const [url, { tls, agentOptions, ...resolved }] = [expand(state, path), expand(state, options) ?? {}];
    const configuration = { ...state.configuration, ...dropUndefined({ tls: tls ?? agentOptions }) };
    const answer = await call({ configuration }, "http.request", [method, url ?? ""], requestOptions(resolved));
    const response = responseOf(answer.response), body = bodyOf(answer, isAxios, resolved.parseAs);
    const after = composeNextState(state, body);
    const legacy = { status: response.statusCode, httpStatus: response.statusCode, headers: response.headers, data: body };
    return callback({ ...after, response: isAxios ? legacy : response });
  };
}

// Before version 6, `request` had one argument, and its result is the body and not the state.
function axiosRequest(parameters) {
  return async (state) => {
    const { method = "GET", url, uri, ...options } = expand(state, parameters);
    return (await sendWithCredential(true, method, url ?? uri, options)(state)).data;
  };
}

function parseCsvText(target, options) {
  return async (state) => {
    const chosen = { ...CSV_OPTIONS, columns: false, trim: false, ltrim: false, rtrim: false, skip_empty_lines: false, ...options };
    return composeNextState(state, [...csvRecords(expand(state, target), chosen)]);
  };
}

function parseXml(data, script, callback = (state) => state) {
  return (state) => {
    if (script) throw new Error("parseXML with a script needs cheerio, which jobs do not have here. Read the text of the response instead.");
    return callback(composeNextState(state, { body: expand(state, data) }));
  };
}

adaptors.http = () => {
  const isAxios = hasRule("axios"), hasBodyOption = hasRule("body-option");
  const send = (...values) => sendWithCredential(isAxios, ...values);
  const withBody = (method) => hasBodyOption
    ? (path, options, callback) => send(method, path, options, callback)
    : (path, body, options, callback) => send(method, path, { body, ...options }, callback);
  return {
    get: (path, options, callback) => send("GET", path, options, callback),
    del: (path, options, callback) => send("DELETE", path, options, callback),
    post: withBody("POST"), put: withBody("PUT"), patch: withBody("PATCH"),
    request: isAxios ? axiosRequest : send,
    parseXML: parseXml, parseCSV: parseCsvText,
  };
};
