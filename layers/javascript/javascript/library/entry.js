// What Python calls, by position: see `javascript/engine.py`.

return [
  // begin: take the state and the configuration.
  (state, configuration) => {
    held = { ...parse(state), configuration: parse(configuration) };
    define("state", held);
  },
  // load: run the job's file; `run` is its compiled code as a function.
  (run) => start(async () => { await run(); await createOperations(); }),
  // apply: apply an operation to the state.
  (number) => start(() => apply(number)),
  // report: what there is to do, and the result if there is one.
  () => {
    const wait = timers.length ? Math.max(0, timers[0].due - now()) : null;
    const parts = { lines: lines.splice(0).map(toJson), rejected: rejected.splice(0).map(describe).map(toJson) };
    const asked = ['"questions":[', questions.splice(0).join(","), '],"lines":[', parts.lines.join(",")];
    const ended = ['],"rejected":[', parts.rejected.join(","), '],"wait":', String(wait), ',"result":', toJson(result)];
    return flat("{", ...asked, ...ended, "}");
  },
  // settle: answer a question.
  (number, isAnswer, text) => {
    const { resolve, reject } = answers.get(number);
    answers.delete(number);
    const value = parse(text);
    if (isAnswer) return resolve(value);
    const error = Object.assign(new Error(value.message), value.details);
    for (const [key, hidden] of [["name", value.name], ["$question", number], ["$line", value.line]]) {
      Object.defineProperty(error, key, { value: hidden, writable: true, configurable: true });
    }
    error.stack = "";
    return reject(error);
  },
  // fire: run the timer that is due next.
  () => {
    const { callback, every, values } = timers.shift();
    if (every) addTimer(callback, 0, every, values);
    callback(...values);
  },
  // text: the state as JSON; with `exactly`, null where JSON cannot represent it.
  (exactly) => {
    try {
      const { configuration: _, ...state } = held;
      return exactly && !isExact(state) ? null : stateText(state);
    } catch (error) {
      if (exactly) return null;
      throw new TypeError(`The state cannot be written as JSON: ${describe(error).message}`);
    }
  },
  // names: the names that a job may use.
  () => stringify(Object.getOwnPropertyNames(globalThis)),
];
