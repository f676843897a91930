/** What a host's script gives a method, checked where it comes in: an error of ours names the argument. */
import { RenvaultError } from "./types.ts";

/** Levels of lists and objects; Python takes 100 in all, and a session has about seven. */
const MOST_LEVELS = 98;

/** The longest part of a wrong value that a message shows. */
const SHOWN = 40;

/** `value`, if it is a text. */
export function aText(name: string, value: unknown): string {
  if (typeof value !== "string") throw wrong(name, "a text", value);
  return value;
}

/** `value`, if it is a function. */
export function aFunction<Given>(name: string, value: Given): Given {
  if (typeof value !== "function") throw wrong(name, "a function", value);
  return value;
}

/** A copy of an object with fields as it crosses to Python, so that the host may change its own meanwhile. */
export function anObject<Given extends object>(name: string, value: Given): Given {
  const copy = typeof value === "object" && !Array.isArray(value) ? asJson(name, value) : null;
  if (typeof copy !== "object" || copy === null || Array.isArray(copy)) throw wrong(name, "an object", value);
  return copy as Given;
}

/** A list of objects, copied. */
export function objects<Given extends object>(name: string, value: readonly Given[]): Given[] {
  if (!Array.isArray(value)) throw wrong(name, "a list", value);
  return Array.from(value as readonly Given[], (one, index) => anObject(`${name}[${index}]`, one));
}

/** The error about an argument that is not what it has to be. */
export function wrong(name: string, what: string, value: unknown): RenvaultError {
  return new RenvaultError("config", `${name} must be ${what}, not ${worded(value)}.`);
}

/** A value in a message: numbers and the like as they are; of what may hold an account or a secret, its kind. */
export function worded(value: unknown): string {
  if (value === null || ["undefined", "number", "boolean", "bigint"].includes(typeof value)) {
    return String(value).slice(0, SHOWN);
  }
  if (typeof value === "object") return Array.isArray(value) ? "a list" : "an object";
  return `a ${typeof value === "string" ? "text" : typeof value}`;
}

function asJson(name: string, value: unknown): unknown {
  try {
    const copy: unknown = JSON.parse(JSON.stringify(value) ?? "null");
    if (isWithin(copy, MOST_LEVELS)) return copy;
  } catch (cause) {
    throw new RenvaultError("config", `${name} cannot be written as JSON.`, { cause });
  }
  throw new RenvaultError("config", `${name} nests deeper than ${MOST_LEVELS} levels.`);
}

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((part) => isWithin(part, levels - 1));
}
