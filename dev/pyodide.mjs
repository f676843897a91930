// Runs a Python script inside Pyodide under node, with the project's folder mounted at /project.
// Usage: node pyodide.mjs ROOT STDLIB_OR_EMPTY SCRIPT JSON; the script's main(JSON) does the work.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [root, stdlib, script, argument] = process.argv.slice(2);
const folder = join(root, "web", "node_modules", "pyodide");
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")).href);
const pyodide = await loadPyodide({
  indexURL: folder,
  ...(stdlib && { stdLibURL: stdlib }),
  env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0" },
});
pyodide.mountNodeFS("/project", root);

// What the browser has and node has not: any name of `js` and of our bridge is there, and does nothing.
const anything = new Proxy(function () {}, { get: (target, key) => target[key] ?? (() => undefined), has: () => true });
const browser = new Proxy(globalThis, { get: (target, key) => target[key] ?? anything, has: () => true });
pyodide.globals.set("browser_modules", pyodide.toPy({ js: browser, renvault_bridge: anything }, { depth: 1 }));

try {
  pyodide.runPython(readFileSync(script, "utf8"), { filename: script });
  pyodide.globals.get("main")(argument);
} catch (error) {
  console.error(error.message); // not the error itself: node would print the line of the runtime it came from
  process.exitCode = 1;
}
