// Natural dates of `cursor`, and `format` and `parse` with the tokens of date-fns.

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September",
  "October", "November", "December"];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const pad = (number, length) => String(number).padStart(length, "0");
const ordinal = (number) => {
  const teen = number % 100 > 10 && number % 100 < 14;
  return number + ((!teen && ["th", "st", "nd", "rd"][number % 10]) || "th");
};

function startOfDay(days) {
  const date = new Date();
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() - days);
}

let cursorStart = null;

function naturalDate(text) {
  cursorStart ??= new Date();
  if (text === "start") return cursorStart;
  if (text === "now" || text === "end") return new Date();
  if (text === "today") return startOfDay(0);
  if (text === "yesterday") return startOfDay(1);
  const [, count] = text.match(/(\d+).*?(?:hours?|days?) ago$/) ?? [];
  if (count === undefined) return text;
  return /hours? ago$/.test(text) ? new Date(now() - count * 3600_000) : startOfDay(Number(count));
}

function offsetOf(date, separator, zulu) {
  const minutes = -date.getTimezoneOffset();
  if (zulu && !minutes) return "Z";
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60), 2)}${separator}${pad(size % 60, 2)}`;
}

function gmtOf(date, isLong) {
  const [sign, hours, minutes] = offsetOf(date, "", false).match(/^(.)(..)(..)$/).slice(1);
  if (isLong) return `GMT${sign}${hours}:${minutes}`;
  return `GMT${sign}${Number(hours)}${minutes === "00" ? "" : `:${minutes}`}`;
}

function dayOfYear(date) {
  const days = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 1);
  return days / 86400_000 + 1;
}

// The week that has the year's first Thursday is the first; returns [year, week].
function isoWeek(date) {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7));
  return [thursday.getFullYear(), Math.ceil(dayOfYear(thursday) / 7)];
}

const FORMATS = {
  y: (date, size) => (size === 2 ? pad(date.getFullYear() % 100, 2) : pad(date.getFullYear(), size)),
  Q: (date, size) => (size > 2 ? "Q" : "") + (Math.floor(date.getMonth() / 3) + 1),
  M: (date, size) => named(MONTHS, date.getMonth(), size, date.getMonth() + 1),
  L: (date, size) => named(MONTHS, date.getMonth(), size, date.getMonth() + 1),
  d: (date, size) => pad(date.getDate(), size),
  R: (date, size) => pad(isoWeek(date)[0], size),
  I: (date, size) => pad(isoWeek(date)[1], size),
  E: (date, size) => named(DAYS, date.getDay(), Math.max(size, 3)),
  i: (date, size) => named(DAYS, date.getDay(), size, date.getDay() || 7),
  a: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  H: (date, size) => pad(date.getHours(), size),
  k: (date, size) => pad(date.getHours() || 24, size),
  h: (date, size) => pad(date.getHours() % 12 || 12, size),
  K: (date, size) => pad(date.getHours() % 12, size),
  m: (date, size) => pad(date.getMinutes(), size),
  s: (date, size) => pad(date.getSeconds(), size),
  S: (date, size) => pad(date.getMilliseconds(), 3).padEnd(size, "0").slice(0, size),
  X: (date, size) => offsetOf(date, size > 2 ? ":" : "", true),
  x: (date, size) => offsetOf(date, size > 2 ? ":" : "", false),
  O: (date, size) => gmtOf(date, size > 3),
  z: (date, size) => gmtOf(date, size > 3),
  t: (date) => String(Math.floor(date.getTime() / 1000)),
  T: (date) => String(date.getTime()),
};

function named(names, index, size, number) {
  if (size < 3) return pad(number, size);
  return size === 3 ? names[index].slice(0, 3) : names[index].slice(0, size === 5 ? 1 : undefined);
}

const TOKENS = /[yQMLdRIEiHkhKmsSXxOztTaPp]o|''|'(?:''|[^'])+(?:'|$)|([A-Za-z])\1*|./gs;
const LONG_FORMS = {
  P: "MM/dd/yyyy", PP: "MMM d, yyyy", PPP: "MMMM do, yyyy", PPPP: "EEEE, MMMM do, yyyy", p: "h:mm a", pp: "h:mm:ss a",
};

function tokensOf(pattern) {
  const expanded = pattern.replace(/'(?:''|[^'])+'|P+|p+/g, (token) => LONG_FORMS[token] ?? token);
  return expanded.match(TOKENS) ?? [];
}

function literal(token) {
  if (token === "''") return "'";
  return token[0] === "'" ? token.replace(/^'|'$/g, "").replace(/''/g, "'") : null;
}

function format(value, pattern) {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) throw new RangeError("Invalid time value");
  return tokensOf(pattern).map((token) => {
    const text = literal(token);
    if (text !== null || !/^[A-Za-z]/.test(token)) return text ?? token;
    const formatter = FORMATS[token[0]];
    if (!formatter) throw new RangeError(`Format string contains an unescaped latin alphabet character \`${token[0]}\``);
    return token.endsWith("o") && token.length === 2 ? ordinal(Number(formatter(date, 1))) : formatter(date, token.length);
  }).join("");
}

const PARSED = {
  y: (size) => [size === 2 ? "\\d{2}" : "\\d{1,4}", (parts, text) => { parts.year = Number(text) + (size === 2 ? century(text) : 0); }],
  M: (size) => size > 2
    ? [MONTHS.flatMap((month) => [month, month.slice(0, 3)]).join("|"), (parts, text) => { parts.month = MONTHS.findIndex((month) => month.slice(0, 3).toLowerCase() === text.slice(0, 3).toLowerCase()); }]
    : ["\\d{1,2}", (parts, text) => { parts.month = text - 1; }],
  d: () => ["\\d{1,2}", (parts, text) => { parts.day = Number(text); }],
  H: () => ["\\d{1,2}", (parts, text) => { parts.hours = Number(text); }],
  h: () => ["\\d{1,2}", (parts, text) => { parts.hours = text % 12; }],
  m: () => ["\\d{1,2}", (parts, text) => { parts.minutes = Number(text); }],
  s: () => ["\\d{1,2}", (parts, text) => { parts.seconds = Number(text); }],
  S: (size) => [`\\d{${size}}`, (parts, text) => { parts.milliseconds = Math.trunc(text * 10 ** (3 - size)); }],
  a: () => ["[ap]\\.?m\\.?", (parts, text) => { parts.isAfternoon = /^p/i.test(text); }],
  E: () => [DAYS.flatMap((day) => [day, day.slice(0, 3)]).join("|"), () => undefined],
  X: () => ["Z|[+-]\\d{2}:?\\d{0,2}", (parts, text) => { parts.offset = minutesOf(text); }],
};
PARSED.x = PARSED.X;

// date-fns takes the century in which the year is nearest to this one.
const century = (text) => (Number(text) <= (new Date().getFullYear() % 100) + 50 ? 2000 : 1900);

function minutesOf(text) {
  const [, sign, hours, minutes] = text.match(/^([+-])(\d{2}):?(\d{2})?$/) ?? [];
  return sign ? Number(`${sign}1`) * (hours * 60 + Number(minutes ?? 0)) : 0;
}

// Parses a text; what the pattern does not have comes from the reference date, smaller parts are 0.
function parseDate(text, pattern, reference = new Date()) {
  const setters = [];
  const expression = tokensOf(pattern).map((token) => {
    const known = literal(token) === null && PARSED[token[0]];
    if (!known) return (literal(token) ?? token).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const [part, set] = known(token.length);
    setters.push(set);
    return `(${part})`;
  }).join("");
  const found = new RegExp(`^${expression}$`, "i").exec(text);
  if (!found) return new Date(NaN);
  const parts = {};
  setters.forEach((set, position) => set(parts, found[position + 1]));
  return dateOf(parts, new Date(reference));
}

function dateOf(parts, reference) {
  const month = parts.month ?? (parts.year === undefined ? reference.getMonth() : 0);
  const day = parts.day ?? (parts.year === undefined && parts.month === undefined ? reference.getDate() : 1);
  const hours = (parts.hours ?? 0) + (parts.isAfternoon ? 12 : 0);
  const time = [hours, parts.minutes ?? 0, parts.seconds ?? 0, parts.milliseconds ?? 0];
  const date = new Date(parts.year ?? reference.getFullYear(), month, day, ...time);
  if (date.getMonth() !== month || date.getDate() !== day || hours > 23 || time[1] > 59 || time[2] > 59) return new Date(NaN);
  return parts.offset === undefined ? date : new Date(date.getTime() - (date.getTimezoneOffset() + parts.offset) * 60_000);
}
