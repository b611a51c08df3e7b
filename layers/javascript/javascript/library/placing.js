// Where the answer of an operation goes: it depends on the version of the adaptor.

// `data` becomes the answer, and the old `data` is the last of the references.
const intoData = (state, { data, response }) =>
  ({ ...composeNextState(state, data), ...(response ? { response: responseOf(response) } : {}) });

// The answer becomes the first of the references, and `data` stays.
const intoReferences = (state, { data }) => ({ ...state, references: [data, ...(state.references ?? [])] });

// An operation that asks Python. `plan` turns its resolved arguments into `[name, values, options]`,
// or null if there is nothing to do; a function behind the first `count` arguments is called with
// the next state.
function operation(count, plan, place = intoData) {
  return (...given) => async (state) => {
    const planned = plan(...expand(state, given.slice(0, count)));
    const callback = given.slice(count).find((value) => typeof value === "function") ?? ((after) => after);
    return planned ? callback(place(state, await call(state, ...planned))) : state;
  };
}
