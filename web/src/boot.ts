/** Brings Python up: runtime, standard library and our package are fetched in parallel, keys and records beside them. */
import type { Bridge } from "./bridge.ts";
import { within } from "./limit.ts";
import { RenvaultError } from "./types.ts";

/** How long the whole boot may take, ms. A policy without `wasm-unsafe-eval` makes Pyodide wait for ever. */
const BOOT_LIMIT_MS = 120_000;

/** No package is installed at run time, so Pyodide's list of packages need not be fetched. */
export const NO_PACKAGES = { info: { abi_version: "2026_0", arch: "wasm32", platform: "emscripten_5_0_3", python: "3.14.2" }, packages: {} };

const ARCHIVE = "/lib/renvault_web.zip";

/** The part of Pyodide that we use; its own types are not needed at run time. */
interface Pyodide {
  pyimport(name: string): { start(bridge: object): Promise<(message: string) => void> };
}

interface PyodideLoader {
  loadPyodide(options: object): Promise<Pyodide>;
}

/** Python's end of the message pipe: takes one JSON message (renvault_web/gateway.py). */
export type Receive = (message: string) => void;

/** Loads the runtime from `base` and starts Python on `bridge`. Rejects with the cause. */
export async function boot(base: URL, bridge: Promise<Bridge>): Promise<Receive> {
  const owner = new AbortController();
  try {
    return await within(BOOT_LIMIT_MS, load(base, bridge, owner.signal), () => late(base));
  } catch (error) {
    if (error instanceof RenvaultError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new RenvaultError("boot", `Python could not start: ${reason}`, { cause: error });
  } finally {
    owner.abort();
  }
}

function late(base: URL): RenvaultError {
  const seconds = BOOT_LIMIT_MS / 1000;
  const files = new URL("runtime/", base).href;
  return new RenvaultError(
    "boot",
    `Python did not start within ${seconds} s. Check that ${files} can be reached and that the page's policy has ` +
      "'wasm-unsafe-eval' in script-src.",
  );
}

async function load(base: URL, bridge: Promise<Bridge>, signal: AbortSignal): Promise<Receive> {
  const runtime = new URL("runtime/", base);
  const archive = fetchBytes(new URL("renvault_web.zip", runtime), signal);
  const loader = import(/* @vite-ignore */ /* webpackIgnore: true */ new URL("pyodide.mjs", runtime).href);
  // What fails while something else is awaited is heard here first, and told where it is awaited.
  for (const beside of [archive, bridge]) beside.catch(() => {});
  const { loadPyodide } = (await loader) as PyodideLoader;
  const pyodide = await loadPyodide({
    indexURL: runtime.href,
    stdLibURL: new URL("stdlib.zip", runtime).href,
    lockFileContents: NO_PACKAGES,
    env: { HOME: "/home/pyodide", PYTHONPATH: ARCHIVE },
    fsInit: async (fs: { writeFile(path: string, bytes: Uint8Array): void }) => {
      fs.writeFile(ARCHIVE, await archive);
    },
  });
  const ready = await bridge;
  signal.throwIfAborted(); // given up meanwhile: nobody waits for this Python
  return pyodide.pyimport("renvault_web.browser.runtime").start(ready);
}

async function fetchBytes(url: URL, signal: AbortSignal): Promise<Uint8Array> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
