// The adaptor postgresql. Our own adaptor passes values as parameters; OpenFn's writes them into
// the statement, where `undefined` becomes NULL.

adaptors.postgresql = () => {
  const withNulls = (record) => Object.fromEntries(keys(record).map((key) => [key, record[key] ?? null]));
  const setNull = (options) => {
    const texts = options?.setNull ?? "'undefined'";
    return texts === false ? {} : { set_null: [texts].flat().map((text) => text.replace(/^'(.*)'$/, "$1")) };
  };
  const write = (count, plan) => operation(count, plan);
  const many = (name, ...values) => {
    const options = values.pop(), records = values.pop();
    return records?.length ? [name, [...values, records.map(withNulls)], setNull(options)] : null;
  };
  const column = ({ name, type, required, unique, default: value }) => dropUndefined({ name, type, required, unique, default: value });
  return {
    sql: write(2, (statement, options) => typeof statement === "string"
      ? ["postgresql.sql", options?.values ? [statement, options.values] : [statement]]
      : ["postgresql.sql", [statement.text, statement.values]]),
    insert: write(3, (table, record, options) => ["postgresql.insert", [table, withNulls(record)], setNull(options)]),
    insertMany: write(3, (table, records, options) => many("postgresql.insert_many", table, records, options)),
    upsert: write(4, (table, key, record, options) => ["postgresql.upsert", [table, key, withNulls(record)], setNull(options)]),
    upsertIf: write(5, (condition, table, key, record, options) =>
      condition ? ["postgresql.upsert", [table, key, withNulls(record)], setNull(options)] : null),
    upsertMany: write(4, (table, key, records, options) => many("postgresql.upsert_many", table, key, records, options)),
    describeTable: write(1, (table) => ["postgresql.describe_table", [table]]),
    insertTable: write(2, (table, columns) => columns?.length ? ["postgresql.insert_table", [table, columns.map(column)]] : null),
    modifyTable: write(2, (table, columns) => columns?.length ? ["postgresql.modify_table", [table, columns.map(column)]] : null),
    findValue: ({ uuid, relation, where, operator }) => async (state) =>
      ask("find_value", [uuid, relation, expand(state, where) ?? {}], dropUndefined({ operators: expand(state, operator) }), state.configuration),
  };
};
