// The adaptor dhis2. Before version 6, events and enrollments are those of DHIS2's old tracker;
// before 3, each resource has operations of its own; before 2, the answer is the first reference.

adaptors.dhis2 = () => {
  const place = hasRule("answer-in-references")
    ? (state, answer) => intoReferences(state, { data: { body: answer.data } }) : intoData;
  const legacy = hasRule("old-tracker") || undefined;
  const asOptions = (parameters) => ({ query: parameters?.params ?? (hasRule("params-option") ? undefined : parameters), legacy });
  const nested = (resource, data) => (legacy && isArray(data) ? { [resource]: data } : data);
  const make = (count, plan) => operation(count, plan, place);
  const creates = (resource) => make(1, (data) => ["dhis2.create", [resource, data], { legacy: true }]);
  const updates = (resource) => make(2, (path, data) => ["dhis2.update", [resource, path, data], { legacy: true }]);
  const reads = (resource) => make(1, (parameters) => ["dhis2.get", [resource, parameters ?? null], { legacy: true }]);
  const upsertTei = make(3, (attributeId, data) => {
    const value = data.attributes?.find(({ attribute }) => attribute === attributeId)?.value;
    const filter = { ou: data.orgUnit, filter: `${attributeId}:EQ:${value}` };
    return ["dhis2.upsert", ["trackedEntityInstances", filter, data], { legacy: true }];
  });
  const attr = (attribute, value) => ({ attribute, value });
  const dv = (dataElement, value) => ({ dataElement, value });
  const findAttributeValue = (entity, name) =>
    entity?.attributes?.find(({ displayName }) => displayName?.toLowerCase() === name.toLowerCase())?.value;
  return {
    attr, dv, findAttributeValue, attrVal: findAttributeValue,
    create: make(3, (resource, data, options) => ["dhis2.create", [resource, nested(resource, data)], asOptions(options)]),
    get: make(3, (resource, parameters, options) => ["dhis2.get", [resource, { ...parameters, ...options?.params }], { legacy }]),
    update: make(4, (resource, path, data, options) => ["dhis2.update", [resource, path, data], asOptions(options)]),
    patch: make(4, (resource, path, data, options) => ["dhis2.patch", [resource, path, data], { query: asOptions(options).query }]),
    destroy: make(4, (resource, path, _data, options) => ["dhis2.destroy", [resource, path], asOptions(options)]),
    upsert: make(4, (resource, filter, data) => ["dhis2.upsert", [resource, filter, data], { legacy }]),
    tracker: {
      import: make(3, (strategy, payload, options) => ["dhis2.tracker_import", [payload, strategy], { query: options }]),
      export: make(3, (path, parameters) => ["dhis2.tracker_export", [path, parameters ?? null]]),
    },
    dataElement: (dataElement, value, comment) => ({ dataElement, value, comment }),
    dataValueSet: creates("dataValueSets"), createDataValues: creates("dataValueSets"),
    event: creates("events"), createEvents: creates("events"), updateEvents: updates("events"), getEvents: reads("events"),
    createTEI: creates("trackedEntityInstances"), updateTEI: updates("trackedEntityInstances"),
    getTEIs: reads("trackedEntityInstances"), upsertTEI: upsertTei,
    enroll: make(2, (id, enrollment) => ["dhis2.create", ["enrollments", { trackedEntityInstance: id, ...enrollment }], { legacy: true }]),
    enrollTEI: creates("enrollments"), getEnrollments: reads("enrollments"), updateEnrollments: updates("enrollments"),
    getPrograms: reads("programs"), getDataValues: reads("dataValueSets"), getAnalytics: reads("analytics"),
    fetchData: make(1, (parameters) => ["dhis2.get", ["dataValueSets", parameters?.fields ?? parameters]]),
    fetchEvents: make(1, (parameters) => ["dhis2.get", ["events", parameters?.fields ?? parameters], { legacy: true }]),
    util: { ...util, attr, dv, findAttributeValue },
  };
};
