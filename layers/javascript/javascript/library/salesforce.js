// The adaptor salesforce. Before version 5, the answer is the first of the references; before 7, a
// query's answer has `records`; before 8, `bulk` has all bulk operations.

// As any-ascii, for the letters and signs of European languages and Vietnamese; others stay.
const ASCII = Object.fromEntries((
  "¡! ¢c £GBP ¤$ ¥Y ¦| §S ¨\" ©(C) ªa «<< ¬! ®(R) ¯- °deg ±+- ²2 ³3 ´' µu ¶P ·- ¸, ¹1 ºo »>> ¼1/4 ½1/2 ¾3/4 ¿? "
  + "×* ÷/ ßss ẞSs æae ÆAe øo ØO đd ĐD ðd ÐD łl ŁL þth ÞTh œoe ŒOe ıi ĸq ħh ĦH ŋng ŊNg ĲIJ ĳij ĿL ŀl ŉ'n ŦT ŧt ſs "
  + "’' ‘' “\" ”\" –- —- …... €EUR •*"
).split(" ").map((pair) => [pair[0], pair.slice(1)]).concat([["\u00a0", " "], ["\u00ad", ""]]));

const toAscii = (text) => text.normalize("NFC").replace(/[^\0-\x7f]/g, (letter) =>
  ASCII[letter] ?? [...letter.normalize("NFD")].map((part) => ASCII[part] ?? part).join("").replace(/[\u0300-\u036f]/g, ""));

adaptors.salesforce = () => {
  const isOld = hasRule("answer-in-references");
  const place = isOld ? intoReferences : intoData;
  const write = (count, plan) => operation(count, plan, place);
  const bulkOptions = (options = {}, failOnError = !hasRule("bulk-ignores-errors")) => ({
    external_id: options.extIdField ?? options.externalIdFieldName ?? options.extId,
    fail_on_error: options.failOnError ?? failOnError,
    timeout: options.pollTimeout ? options.pollTimeout / 1000 : undefined,
  });
  const bulkWrite = (name) => operation(3, (object, records, options) =>
    [records].flat().length || !options?.allowNoOp ? ["salesforce.bulk", [object, name, [records].flat()], bulkOptions(options)] : null, place);
  const oldBulk = operation(4, isOld
    ? (object, name, options, records) => records.length || !options?.allowNoOp ? ["salesforce.bulk", [object, name, records], bulkOptions(options)] : null
    : (name, object, records, options) => records.length || !options?.allowNoOp ? ["salesforce.bulk", [object, name, records], bulkOptions(options)] : null, place);
  const queryPlace = hasRule("query-result") ? place : (state, { data }) =>
    ({ ...composeNextState(state, data.records), response: { done: data.done, totalSize: data.totalSize } });
  const bulkNames = { insert: bulkWrite("insert"), update: bulkWrite("update"), destroy: bulkWrite("delete"),
    upsert: operation(4, (object, externalId, records, options) =>
      ["salesforce.bulk", [object, "upsert", [records].flat()], bulkOptions({ ...options, extIdField: externalId })], place),
    query: operation(1, (soql) => ["salesforce.query", [soql]], queryPlace) };
  return {
    bulk: oldBulk, bulk1: bulkNames, bulk2: bulkNames,
    create: write(2, (object, records) => ["salesforce.create", [object, records]]),
    insert: write(2, (object, records) => ["salesforce.create", [object, records]]),
    createIf: write(3, (condition, object, records) => condition ? ["salesforce.create", [object, records]] : null),
    update: write(2, (object, records) => ["salesforce.update", [object, records]]),
    upsert: write(3, (object, externalId, records) => ["salesforce.upsert", [object, externalId, records]]),
    upsertIf: write(4, (condition, object, externalId, records) => condition ? ["salesforce.upsert", [object, externalId, records]] : null),
    destroy: write(3, (object, ids, options) => ["salesforce.destroy", [object, ids], { fail_on_error: options?.failOnError ?? false }]),
    query: operation(1, (soql) => ["salesforce.query", [soql]], queryPlace),
    retrieve: write(2, (object, id) => ["salesforce.retrieve", [object, id]]),
    describe: write(1, (object) => ["salesforce.describe", object ? [object] : []]),
    reference: (position) => (state) => state.references[position].id,
    relationship: (name, externalId, value) => [name, (state) => ({ [externalId]: typeof value === "function" ? value(state) : value })],
    bulkQuery: operation(2, (soql) => ["salesforce.query", [soql]], (state, { data }) => composeNextState(state, data.records)),
    toUTF8: toAscii, util: { ...util, toUTF8: toAscii },
    steps: (...list) => execute(...list.flat()),
  };
};
