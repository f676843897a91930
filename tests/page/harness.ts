/**
 * Runs the Python tests inside Pyodide, on the real bridge: what passes on CPython has to pass where the product lives.
 * `?argument=…` (any number of them) goes to pytest; the result stands as JSON in `#result` when all is done.
 */
import { NO_PACKAGES } from "../../web/src/boot.ts";
import { cipherBridge, createBridge } from "../../web/src/bridge.ts";
import { KeyHold, lending } from "../../web/src/key-use.ts";
import { loadKeys } from "../../web/src/keys.ts";
import { createSdkStorage } from "../../web/src/sdk-storage.ts";
import { adoptions, peer, wallet } from "./wallet-hands.ts";

interface PyCallable {
  callPromising(...args: string[]): Promise<string>;
}

interface Output {
  write(bytes: Uint8Array): number;
}

interface Pyodide {
  setStdout(output: Output): void;
  setStderr(output: Output): void;
  registerJsModule(name: string, module: object): void;
  unpackArchive(archive: ArrayBuffer, format: string, options: { extractDir: string }): void;
  pyimport(name: string): PyCallable;
}

interface FileSystem {
  mkdirTree(path: string): void;
  writeFile(path: string, bytes: Uint8Array): void;
}

const ARCHIVES = { "renvault_web.zip": "/lib/renvault_web.zip", "libraries.zip": "/lib/libraries.zip" };
const PROJECT = "/project";
const TESTS = `${PROJECT}/tests/page`;

async function fetched(name: string): Promise<ArrayBuffer> {
  const response = await fetch(new URL(name, document.baseURI));
  if (!response.ok) throw new Error(`${name} answered ${response.status}`);
  return response.arrayBuffer();
}

function show(id: string, text: string): void {
  const element = document.getElementById(id);
  if (element) element.textContent += text;
}

const decoder = new TextDecoder();

function write(bytes: Uint8Array): number {
  show("log", decoder.decode(bytes, { stream: true }));
  return bytes.length;
}

/** Writes an entry as the SDK does. */
function sdkWrite(key: string, json: string): Promise<void> {
  return createSdkStorage().setItem(key, JSON.parse(json));
}

/** Returns the keys of a database as one more page would have them, and what its end does to them. */
async function openCipher(database: string): Promise<object> {
  let loaded: Awaited<ReturnType<typeof loadKeys>> | undefined;
  const open = lending(async () => (loaded = await loadKeys(database)));
  return { cipher: cipherBridge(new KeyHold(open, await open())), end: () => loaded?.end() };
}

async function run(): Promise<string> {
  const runtime = new URL("runtime/", document.baseURI).href;
  const { loadPyodide } = await import(`${runtime}pyodide.mjs`);
  const pyodide: Pyodide = await loadPyodide({
    indexURL: runtime,
    stdLibURL: `${runtime}stdlib-full.zip`,
    lockFileContents: NO_PACKAGES,
    env: { HOME: PROJECT, PYTHONPATH: [...Object.values(ARCHIVES), TESTS].join(":") },
    fsInit: async (fs: FileSystem) => {
      fs.mkdirTree(TESTS); // a folder that is not there at the start is never looked into
      for (const [name, path] of Object.entries(ARCHIVES)) fs.writeFile(path, new Uint8Array(await fetched(`tests/${name}`)));
    },
  });
  pyodide.setStdout({ write });
  pyodide.setStderr({ write });
  pyodide.registerJsModule("renvault_bridge", await createBridge(() => {}));
  pyodide.registerJsModule("renvault_bridge_testing", { adoptions, openCipher, peer, sdkWrite, wallet });
  pyodide.unpackArchive(await fetched("tests/tests.zip"), "zip", { extractDir: PROJECT });
  const args = new URL(location.href).searchParams.getAll("argument");
  return pyodide.pyimport("run_tests.run").callPromising(JSON.stringify(args));
}

run().then(
  (result) => show("result", result),
  (error: unknown) => show("result", JSON.stringify({ error: String(error) })),
);
