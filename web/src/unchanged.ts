/** JSON values that stay the same objects where they say the same: so that a host can compare them by `===`. */

/** `now`, frozen, with every part of `before` in it that did not change; `before` itself where nothing did. */
export function unchanged<Value>(before: unknown, now: Value): Value {
  if (typeof now !== "object" || now === null || Object.is(before, now)) return now;
  const alike = typeof before === "object" && before !== null && Array.isArray(before) === Array.isArray(now);
  const known = (alike ? before : {}) as Record<string, unknown>;
  const parts = Object.entries(now).map(([name, part]) => [name, unchanged(known[name], part)] as const);
  const same =
    alike &&
    Object.keys(known).length === parts.length &&
    parts.every(([name, part]) => Object.hasOwn(known, name) && Object.is(known[name], part));
  if (same) return before as Value;
  if (Object.isFrozen(now) && parts.every(([name, part]) => part === (now as Record<string, unknown>)[name])) return now;
  return Object.freeze(Array.isArray(now) ? parts.map(([, part]) => part) : Object.fromEntries(parts)) as Value;
}
