// Compiles a job as OpenFn's compiler does, without moving a line: an error at run time has the
// line of the author's file. Needs `acorn` (its parser) and `scope.js`.
//
//   post("x", $.data)        →  __operation(0, () => (post("x", (state) => (state.data))));
//   get("x").then(f)         →  __operation(0, () => (__defer(get("x"), undefined, p => p.then(f))));
//   import { fn } from "…"   →  const { fn: fn } = __import("…");
//   save(state)              →  __watch(save(state)), inside functions: nobody awaits its promise

const LIBRARY = /^@openfn\/(language-)?[a-z0-9-]+(@.*)?$/;
const FUNCTIONS = new Set([
  "FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression",
]);
const STATEMENT = /Statement$|Declaration$|^SwitchCase$/;

class Problem extends Error {
  constructor(node, message) {
    super(message);
    this.line = node.loc.start.line;
  }
}

function parse(source) {
  const options = {
    ecmaVersion: "latest", locations: true, allowHashBang: true, allowAwaitOutsideFunction: true,
  };
  try {
    return acorn.parse(source, { ...options, sourceType: "module" });
  } catch (error) {
    // OpenFn's platform before 2023 ran jobs as sloppy scripts, which allow a little more.
    try {
      return acorn.parse(source, { ...options, sourceType: "script" });
    } catch {
      throw error;
    }
  }
}

function children(node) {
  return Object.values(node).flat().filter((value) => value && typeof value.type === "string");
}

// Calls `visit(node, ancestors)` for each node, outer ones first; the nearest ancestor is last.
// Where `visit` returns false, the nodes inside are left out.
function walk(node, visit, ancestors = []) {
  if (visit(node, ancestors) === false) return;
  ancestors.push(node);
  for (const child of children(node)) walk(child, visit, ancestors);
  ancestors.pop();
}

// The changes of a text, by position. What is wrapped first is around what is wrapped later.
class Edits {
  constructor(source) {
    this.source = source;
    this.before = new Map();
    this.after = new Map();
    this.replaced = new Map();
  }

  wrap(node, before, after) {
    this.before.set(node.start, (this.before.get(node.start) ?? "") + before);
    this.after.set(node.end, after + (this.after.get(node.end) ?? ""));
  }

  insert(position, text) {
    this.after.set(position, text + (this.after.get(position) ?? ""));
  }

  replace(start, end, text) {
    const lines = this.source.slice(start, end).split("\n").length - text.split("\n").length;
    this.replaced.set(start, [end, text + "\n".repeat(Math.max(0, lines))]);
  }

  apply() {
    const marks = [...this.before.keys(), ...this.after.keys(), ...this.replaced.keys()];
    let text = "", position = 0;
    for (const mark of [...new Set(marks)].sort((a, b) => a - b)) {
      text += this.source.slice(position, Math.max(position, mark));
      position = Math.max(position, mark);
      text += (this.after.get(mark) ?? "") + (this.before.get(mark) ?? "");
      if (this.replaced.has(mark)) {
        const [end, replacement] = this.replaced.get(mark);
        text += replacement;
        position = end;
      }
    }
    return text + this.source.slice(position);
  }
}

// `const x = {…}` at the top level: OpenFn leaves what is inside as it is.
function isTopLevelObject(node, ancestors) {
  const [program, declaration, declarator] = ancestors.slice(-3);
  return (
    node.type === "ObjectExpression" && ancestors.length >= 3 && program.type === "Program" &&
    declaration.type === "VariableDeclaration" && declarator.type === "VariableDeclarator"
  );
}

function rootOf(member) {
  let node = member;
  while (node.object) node = node.object;
  return node;
}

// Turns `$.a.b` into `(state) => state.a.b`, around the whole argument that it is part of.
function transformLazyState(program, edits) {
  const wrapped = new Set();
  walk(program, (node, ancestors) => {
    if (isTopLevelObject(node, ancestors)) return false;
    const root = node.type === "MemberExpression" && rootOf(node);
    if (!root || root.name !== "$" || wrapped.has(root) || scopes.declaresInside("$", ancestors)) {
      return true;
    }
    wrapped.add(root);
    edits.replace(root.start, root.end, "state");
    const argument = argumentOf(node, ancestors);
    if (!wrapped.has(argument) && !isFunctionOfState(argument)) {
      wrapped.add(argument);
      edits.wrap(argument, "(state) => (", ")");
    }
    return true;
  });
}

function argumentOf(node, ancestors) {
  let argument = node;
  for (const ancestor of [...ancestors].reverse()) {
    // `$.list.map(…)` is a value, whose method is not the operation.
    if (ancestor.type === "CallExpression" && ancestor.callee !== argument) return argument;
    if (STATEMENT.test(ancestor.type)) break;
    argument = ancestor;
  }
  throw new Problem(node, "`$` has no state here. Use it in an argument of an operation, or write "
    + "a function: fn(state => …).");
}

function isFunctionOfState(node) {
  if (node.type !== "ArrowFunctionExpression") return false;
  if (node.params.length === 1 && node.params[0].name === "state") return true;
  throw new Problem(node, "`$` is inside a function whose parameter is not called `state`. Write "
    + "(state) => … and use `state` instead of `$`.");
}

const isChained = (node) =>
  node.type === "CallExpression" && node.callee.type === "MemberExpression" &&
  /^(then|catch)$/.test(node.callee.property.name);

// Turns `get(…).then(f)` outside of functions into one operation.
function transformPromises(program, edits) {
  walk(program, (node, ancestors) => {
    if (isTopLevelObject(node, ancestors) || FUNCTIONS.has(node.type)) return false;
    if (node.type === "BlockStatement") return false;
    if (!isChained(node)) return true;
    const links = [node];
    while (isChained(links.at(-1).callee.object)) links.push(links.at(-1).callee.object);
    const first = links.at(-1), operation = first.callee.object;
    edits.wrap(operation, "__defer(", "");
    edits.insert(node.end, ")");
    if (first.callee.property.name === "catch" && first.arguments.length) {
      edits.replace(operation.end, first.arguments[0].start, ", ");
      edits.replace(first.arguments.at(-1).end, first.end, "");
      if (first !== node) edits.insert(first.end, ", (p) => p");
    } else {
      edits.insert(operation.end, ", undefined, (p) => p");
    }
    return false;
  });
}

function nameOf(call, source) {
  let node = call;
  while (isChained(node)) node = node.callee.object;
  while (node.type === "CallExpression") node = node.callee;
  return source.slice(node.start, node.end).replace(/\s+/g, "");
}

// Collects the calls at the top level, which run after all other statements of the file.
function transformOperations(program, edits, source) {
  const operations = [];
  for (const statement of program.body) {
    if (statement.type === "ExportDefaultDeclaration") operations.push(...exported(statement, source));
    const call = statement.type === "ExpressionStatement" && statement.expression;
    if (call.type !== "CallExpression") continue;
    const number = operations.push([nameOf(call, source), call.loc.start.line]) - 1;
    edits.wrap(call, `__operation(${number}, ${hasAwait(call) ? "async " : ""}() => (`, "))");
  }
  return operations;
}

// A job that OpenFn has compiled exports the list of its operations.
function exported({ declaration }, source) {
  const elements = declaration.type === "ArrayExpression" ? declaration.elements : [null];
  if (elements.some((element) => !element || element.type === "SpreadElement")) {
    throw new Problem(declaration, "The default export is not a list of operations. Write each one as a call at the top level.");
  }
  return elements.map((element) => [nameOf(element, source), element.loc.start.line]);
}

function hasAwait(node) {
  let found = false;
  walk(node, (inner) => {
    if (inner.type === "AwaitExpression") found = true;
    return !FUNCTIONS.has(inner.type);
  });
  return found;
}

function transformModules(program, edits, source) {
  for (const statement of program.body) {
    if (statement.type === "ImportDeclaration") {
      edits.replace(statement.start, statement.end, importText(statement));
    } else if (statement.type === "ExportDefaultDeclaration") {
      edits.replace(statement.start, statement.declaration.start, "__operations(");
      edits.insert(statement.declaration.end, ")");
    } else if (statement.type === "ExportNamedDeclaration" && statement.declaration) {
      edits.replace(statement.start, statement.declaration.start, "");
    } else if (/^Export/.test(statement.type)) {
      edits.replace(statement.start, statement.end, ";");
    }
  }
}

function importText(statement) {
  const library = statement.source.value;
  if (!LIBRARY.test(library)) {
    throw new Problem(statement, `The library ${library} is not available to jobs: only `
      + "@openfn/language-… are. Copy the function that you need into the job.");
  }
  const call = `__import(${JSON.stringify(library)})`;
  const names = statement.specifiers.map((specifier) => {
    if (specifier.type === "ImportNamespaceSpecifier") return `...${specifier.local.name}`;
    const imported = specifier.imported?.name ?? specifier.imported?.value ?? "default";
    return `${JSON.stringify(imported)}: ${specifier.local.name}`;
  });
  return names.length ? `const { ${names.join(", ")} } = ${call};` : ";";
}

// A call whose value is dropped may return a promise that is rejected later.
function watchPromises(program, edits) {
  walk(program, (node, ancestors) => {
    const isInside = ancestors.some(({ type }) => FUNCTIONS.has(type));
    if (node.type === "ExpressionStatement" && isInside && isWatched(node.expression)) {
      edits.wrap(node.expression, "__watch(", ")");
    } else if (node.type === "CallExpression" && node.callee.property?.name === "forEach") {
      const [callback] = node.arguments;
      if (callback?.async) edits.wrap(callback, "__watched(", ")");
    }
    return true;
  });
}

const isWatched = ({ type, callee }) =>
  type === "CallExpression" && callee.type !== "Super" &&
  !(callee.object?.name === "console" || callee.property?.name === "push");

function checked(program) {
  const { names, assigned } = scopes.freeNames(program);
  return {
    names: names.filter(([name]) => name !== "$" && name !== "state" && !assigned.has(name)),
    readsState: scopes.readsAtLoad("state", program),
  };
}

// Returns `{code, operations, names, readsState}` as JSON, or `{problems: [[line, message]]}`.
function compile(source) {
  try {
    const program = parse(source);
    const edits = new Edits(source);
    transformModules(program, edits, source);
    const operations = transformOperations(program, edits, source);
    transformLazyState(program, edits);
    transformPromises(program, edits);
    watchPromises(program, edits);
    // As in OpenFn, a file without operations passes the state on.
    if (!operations.length) operations.push(["no operation", 1]);
    return JSON.stringify({ code: edits.apply(), operations, ...checked(program) });
  } catch (error) {
    const line = error.line ?? error.loc?.line;
    if (line === undefined) throw error;
    const message = error.loc ? `This is not valid JavaScript: ${error.message.replace(/ \(\d+:\d+\)$/, "")}.` : error.message;
    return JSON.stringify({ problems: [[line, message]] });
  }
}
