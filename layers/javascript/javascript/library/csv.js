// Rows of CSV, as csv-parse reads them with OpenFn's options.

const CSV_OPTIONS = {
  delimiter: ",", quote: '"', escape: '"', columns: true, bom: true, trim: true, ltrim: true, rtrim: true,
  chunkSize: Infinity, skip_empty_lines: true,
};

function csvOptions(chosen) {
  const known = Object.entries(chosen).filter(([name]) => name in CSV_OPTIONS);
  const options = { ...CSV_OPTIONS, ...Object.fromEntries(known) };
  if (options.chunkSize < 1) throw new Error("chunkSize must be at least 1");
  return options;
}

// Yields each row as a list of texts.
function* csvRows(text, options) {
  const { quote, escape } = options;
  const delimiters = [options.delimiter].flat();
  const trimmed = (value) => {
    const start = options.trim || options.ltrim ? value.trimStart() : value;
    return options.trim || options.rtrim ? start.trimEnd() : start;
  };
  let row = [], value = "", position = 0, isQuoted = false;
  const endField = () => { row.push(isQuoted ? value : trimmed(value)); value = ""; isQuoted = false; };
  while (position < text.length) {
    const delimiter = delimiters.find((each) => text.startsWith(each, position));
    if (quote && text[position] === quote && !isQuoted && trimmed(value) === "") {
      [value, position] = quotedValue(text, position + 1, quote, escape);
      isQuoted = true;
    } else if (delimiter) {
      endField();
      position += delimiter.length;
    } else if (text[position] === "\n" || text[position] === "\r") {
      endField();
      position += text.startsWith("\r\n", position) ? 2 : 1;
      yield row;
      row = [];
    } else {
      if (!isQuoted) value += text[position];
      position += 1;
    }
  }
  if (row.length || value || isQuoted) {
    endField();
    yield row;
  }
}

function quotedValue(text, start, quote, escape) {
  let value = "", position = start;
  while (position < text.length) {
    if (escape && text[position] === escape && text[position + 1] === quote) {
      value += quote;
      position += 2;
    } else if (text[position] === quote) {
      return [value, position + 1];
    } else {
      value += text[position];
      position += 1;
    }
  }
  throw new Error("Quote Not Closed: the parsing is finished with an opening quote");
}

// Yields each record: an object with the names of the columns, or a list without them.
function* csvRecords(text, options) {
  let columns = isArray(options.columns) ? options.columns : null, line = 0, width = columns?.length;
  for (const row of csvRows(options.bom ? text.replace(/^\uFEFF/, "") : text, options)) {
    line += 1;
    if (options.skip_empty_lines && row.length === 1 && row[0] === "") continue;
    if (!columns && options.columns) {
      columns = typeof options.columns === "function" ? options.columns(row) : row;
      width = columns.length;
      continue;
    }
    width ??= row.length;
    if (row.length !== width) {
      throw new Error(`Invalid Record Length: expected ${width} columns, got ${row.length} on line ${line}`);
    }
    yield columns ? Object.fromEntries(columns.map((name, position) => [name, row[position]])) : row;
  }
}

function parseCsv(data, parsingOptions = {}, callback = composeNextState) {
  return async (state) => {
    const options = csvOptions(expand(state, parsingOptions));
    let after = state, rows = [];
    const take = async () => { after = await callback(after, rows); rows = []; };
    for (const record of csvRecords(expand(state, data), options)) {
      rows.push(record);
      if (rows.length === options.chunkSize) await take();
    }
    if (rows.length) await take();
    return after;
  };
}
