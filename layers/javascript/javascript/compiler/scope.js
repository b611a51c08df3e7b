// Which names a program declares and uses. A name that is declared in a block counts for its whole
// function: a name may seem to be declared, but never seems to be missing.

const scopes = (() => {
  const FUNCTION = /Function/;

  function namesIn(pattern) {
    switch (pattern?.type) {
      case "Identifier": return [pattern.name];
      case "ObjectPattern": return pattern.properties.flatMap((part) => namesIn(part.value ?? part.argument));
      case "ArrayPattern": return pattern.elements.flatMap(namesIn);
      case "AssignmentPattern": return namesIn(pattern.left);
      case "RestElement": return namesIn(pattern.argument);
      default: return [];
    }
  }

  // The names that a function or the program declares, without those of functions inside.
  function declarationsOf(owner) {
    const names = new Set(FUNCTION.test(owner.type) ? ["arguments"] : []);
    for (const parameter of owner.params ?? []) namesIn(parameter).forEach((name) => names.add(name));
    if (owner.type === "FunctionExpression" && owner.id) names.add(owner.id.name);
    const collect = (node) => {
      if (node.type === "VariableDeclarator") namesIn(node.id).forEach((name) => names.add(name));
      if (node.type === "CatchClause") namesIn(node.param).forEach((name) => names.add(name));
      if (/^Import.*Specifier$/.test(node.type)) names.add(node.local.name);
      if (/^(Function|Class)(Declaration|Expression)$/.test(node.type) && node.id) names.add(node.id.name);
      if (!FUNCTION.test(node.type)) children(node).forEach(collect);
    };
    children(owner).forEach(collect);
    return names;
  }

  // Calls `visit(identifier, scopes, isAssigned)` for each use of a name.
  function eachUse(node, visit, outer = []) {
    const isScope = node.type === "Program" || FUNCTION.test(node.type);
    const inner = isScope ? [...outer, declarationsOf(node)] : outer;
    for (const [key, value] of Object.entries(node)) {
      for (const child of [value].flat()) {
        if (!child || typeof child.type !== "string" || isKey(node, key)) continue;
        if (child.type === "Identifier") {
          visit(child, inner, node.type === "AssignmentExpression" && key === "left", node);
        } else {
          eachUse(child, visit, inner);
        }
      }
    }
  }

  // `b` in `a.b`, `{b: 1}` and labels are no uses of a variable.
  function isKey(node, key) {
    if (node.type === "Property") return key === "key" && !node.computed && !node.shorthand;
    if (/^(MethodDefinition|PropertyDefinition)$/.test(node.type)) return key === "key" && !node.computed;
    if (node.type === "MemberExpression") return key === "property" && !node.computed;
    if (/^(Import|Export).*Specifier$/.test(node.type)) return true;
    return key === "label" || node.type === "MetaProperty";
  }

  const isDeclared = (name, names) => names.some((declared) => declared.has(name));

  return {
    // Whether a function around a node, not the program, declares a name.
    declaresInside(name, ancestors) {
      return ancestors.some((node) => FUNCTION.test(node.type) && declarationsOf(node).has(name));
    },

    // The uses of names that nothing declares, as [name, line], and those that are assigned to.
    freeNames(program) {
      const names = new Map(), assigned = new Set();
      eachUse(program, (use, declared, isAssigned, parent) => {
        if (isDeclared(use.name, declared)) return;
        const isTested = parent.type === "UnaryExpression" && parent.operator === "typeof";
        if (isAssigned || isLoopVariable(parent, use) || isTested) assigned.add(use.name);
        else if (!names.has(use.name)) names.set(use.name, use.loc.start.line);
      });
      return { names: [...names], assigned };
    },

    // Whether the program uses a name that it does not declare, outside of functions.
    readsAtLoad(name, program) {
      let reads = false;
      eachUse(program, (use, declared) => {
        reads ||= use.name === name && declared.length === 1 && !declared[0].has(name);
      });
      return reads;
    },
  };

  function isLoopVariable(parent, use) {
    return /^For(In|Of)Statement$/.test(parent.type) && parent.left === use;
  }
})();
