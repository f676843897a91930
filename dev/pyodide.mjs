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

try {
  pyodide.runPython(readFileSync(script, "utf8"), { filename: script });
  pyodide.globals.get("main")(argument);
} catch (error) {
  console.error(error.message); // not the error itself: node would print the line of the runtime it came from
  process.exitCode = 1;
}
