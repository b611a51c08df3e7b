// The names that a job may use: those of `common` and of its adaptor, in the dialect of its version.

const names = { ...Object.getOwnPropertyDescriptors(commonNames(hasRule("legacy-common"))) };
Object.assign(names, Object.getOwnPropertyDescriptors(adaptors[ownAdaptor]?.() ?? {}));
Object.defineProperties(globalThis, names);

define("__import", (specifier) => {
  const name = specifier.replace(/^@openfn\/(language-)?/, "").replace(/@.*$/, "");
  if (name !== "common" && name !== ownAdaptor && !adaptors[name]) throw new Error(`There is no adaptor ${name}.`);
  const imported = Object.defineProperties({}, name === ownAdaptor ? names : Object.getOwnPropertyDescriptors(
    { ...commonNames(false), ...adaptors[name]() },
  ));
  return Object.defineProperty(imported, "default", { get: () => imported });
});
