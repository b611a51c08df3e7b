// The adaptors commcare and kobotoolbox.

// OpenFn's commcare writes attributes as `{"@": {xmlns: …}}` and text as `{"#": …}`.
function formOf(value) {
  if (isArray(value)) return value.map(formOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, part]) => {
    if (key === "#") return [["#text", part]];
    if (key !== "@") return [[key, formOf(part)]];
    return Object.entries(part).map(([name, text]) => [`@${name}`, text]);
  }));
}

adaptors.commcare = () => ({
  submit: operation(1, (form) => ["commcare.submit", [formOf(form)]]),
  submitXls: operation(2, (rows, { case_type, search_field, create_new_cases }) =>
    ["commcare.bulk_cases", [rows], { case_type, search_field, create_new_cases: create_new_cases !== "off" && create_new_cases !== false }]),
  get: operation(2, (path, parameters) => ["commcare.get", [path, parameters ?? null]]),
  post: operation(3, (path, data, parameters) => ["commcare.post", [path, data], { query: parameters }]),
  fetchReportData: operation(2, (id, parameters) => ["commcare.get_report", [id, parameters ?? null]]),
});

adaptors.kobotoolbox = () => {
  const asPage = (state, { data, response }) => intoData(state, { data: { count: data.length, results: data }, response });
  // Before version 3, the form is named in an object, and the answer is a page.
  const inObject = operation(1, ({ formId, query: filter }) => ["kobotoolbox.get_submissions", [formId], { query: filter }], asPage);
  const byId = operation(2, (id, options = {}) => ["kobotoolbox.get_submissions", [id],
    { query: options.query, sort: options.sort, start: options.start, limit: options.limit, page_size: options.pageSize }]);
  return {
    getForms: operation(0, () => ["kobotoolbox.get_forms", []], asPage),
    getSubmissions: (form, ...rest) => typeof form === "object" ? inObject(form, ...rest) : byId(form, ...rest),
    getDeploymentInfo: operation(1, (form) => ["kobotoolbox.get_deployment_info", [form?.formId ?? form]]),
    http: {
      get: operation(2, (path, options) => ["kobotoolbox.get", [path], { query: options?.query }]),
      post: operation(2, (path, data) => ["kobotoolbox.post", [path, data]]),
      put: operation(2, (path, data) => ["kobotoolbox.put", [path, data]]),
      delete: operation(1, (path) => ["kobotoolbox.delete", [path]]),
    },
  };
};
