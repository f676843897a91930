/**
 * The page a user connects a wallet to: SignClient with the encrypted storage, handed to RenVault, and the pairing by
 * QR code or link. The pairing address stands nowhere else. The wallet works without Python, too.
 */
import { generate } from "lean-qr";
import { automaticReconnectionService, createSdkStorage, sessionManager } from "../src/index.ts";
import { pause, within } from "../src/limit.ts";
import { loadConfig } from "./config.ts";
import { element, say, shown } from "./page.ts";

/** How long the SDK may take to load, ms. */
const START_LIMIT_MS = 20_000;

/** How long the relay may take to make a pairing, ms. */
const RELAY_LIMIT_MS = 12_000;

/** Many pages lose a relay at once; this spreads their attempts over half of each delay. */
const JITTER = 0.5;

/** A wait looks at the wall clock this often, ms: devices sleep. */
const LOOK_MS = 5_000;

const EXPIRED = "This code has expired. Connect again for a new one.";

/** The SDK's USER_DISCONNECTED. */
const WITHDRAWN = { code: 6000, message: "User disconnected." };

const STACKS = {
  chains: ["stacks:1", "stacks:2147483648"],
  methods: ["stx_getAddresses", "stx_signMessage", "stx_signTransaction", "stx_transferStx"],
  events: ["accountsChanged", "chainChanged"],
};

/** A message that stands for itself. */
class Message extends Error {}

type Client = Awaited<ReturnType<typeof makeClient>>;

const connect = element<HTMLButtonElement>("connect");
const notice = element("notice");
const section = element("pairing");
const code = element<HTMLCanvasElement>("pairing-qr");
const link = element<HTMLAnchorElement>("pairing-link");
const status = element("pairing-status");
const cancel = element<HTMLButtonElement>("pairing-cancel");

let client: Promise<Client> | undefined;
let pairing: AbortController | undefined;

connect.addEventListener("click", () => void pair());
cancel.addEventListener("click", () => pairing?.abort(new Message("")));
void begin();

/** RenVault first, so that the SDK does not delay what is stored; the wallet in any case. */
async function begin(): Promise<void> {
  automaticReconnectionService.updateConfig({ jitter: JITTER }).catch(() => {}); // what ready() tells, too
  await sessionManager.ready().catch(() => {});
  await theClient().catch((error: unknown) => say(notice, reason(error)));
}

/** The page's one client; made when it is first needed, and again where that failed. */
function theClient(): Promise<Client> {
  client ??= makeClient().catch((error: unknown) => {
    client = undefined;
    throw new Message(`The wallet connection could not start: ${reason(error)}`);
  });
  return client;
}

async function makeClient() {
  const sdk = Promise.all([import("@walletconnect/sign-client"), import("./client.ts")]);
  const [{ config, problem }, [{ SignClient }, { logLevel, makeCore }]] = await Promise.all([loadConfig(), sdk]);
  if (problem) say(notice, problem);
  const storage = createSdkStorage({ onNotice: (text) => say(notice, text) });
  const core = makeCore(config, storage);
  const made = await SignClient.init({ core, metadata: config.metadata, logger: logLevel(config) });
  void sessionManager.ready().then(
    () => sessionManager.initialize(made).catch((error: unknown) => say(notice, reason(error))),
    () => {}, // the dashboard tells why Python did not start; a wallet can be connected all the same
  );
  return made;
}

/** From the press of the button to a session, or to a message that says why there is none. */
async function pair(): Promise<void> {
  if (pairing) return;
  pairing = new AbortController();
  const { signal } = pairing;
  let withdraw = (): void => {};
  connect.setAttribute("aria-disabled", "true");
  say(notice, "");
  show("");
  try {
    const made = await within(START_LIMIT_MS, unlessAborted(signal, theClient()), unreachable);
    const proposed = propose(made);
    // A proposal cannot be taken back: a wallet that approves it after all loses the session at once.
    withdraw = () =>
      void proposed
        .then(({ approved }) => approved)
        .then(({ topic }) => end(made, topic))
        .catch(() => {});
    const { uri, approved } = await within(RELAY_LIMIT_MS, unlessAborted(signal, proposed), unreachable);
    show(uri);
    await unlessAborted(signal, Promise.race([approved, expiry(signal, uri)]));
  } catch (error) {
    withdraw();
    say(notice, outcome(error));
  } finally {
    pairing.abort();
    pairing = undefined;
    hide();
  }
}

/** Ends a session that nobody wants any more; by RenVault, which then knows of it, or by the SDK where Python is not up. */
async function end(made: Client, topic: string): Promise<void> {
  await sessionManager.disconnectSession(topic).catch(() => made.disconnect({ topic, reason: WITHDRAWN }));
}

/** Asks the relay for a pairing. The wallet's answer is waited for at once: the SDK loses one that nobody awaits. */
async function propose(made: Client) {
  const { uri = "", approval } = await made.connect({ optionalNamespaces: { stacks: STACKS } });
  const approved = approval();
  approved.catch(() => {}); // where the user has cancelled, nobody else hears it
  return { uri, approved };
}

/** Rejects when the pairing's life is over. */
async function expiry(signal: AbortSignal, uri: string): Promise<never> {
  const end = Number(new URLSearchParams(uri.slice(uri.indexOf("?"))).get("expiryTimestamp")) * 1000;
  for (let left = end - Date.now(); left > 0 && !signal.aborted; left = end - Date.now()) {
    await pause(Math.min(left, LOOK_MS));
  }
  throw new Message(EXPIRED);
}

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}

/** Shows the pairing; without an address yet, that it is on its way. */
function show(uri: string): void {
  code.hidden = link.hidden = uri === "";
  status.textContent = uri ? "Waiting for your wallet. The code is good for five minutes." : "Asking for a code…";
  section.hidden = false;
  if (!uri) return;
  generate(uri).toCanvas(code, { on: [0, 0, 0], off: [255, 255, 255], pad: 1 }); // its frame is white, too
  link.href = `wallet.html#wc=${encodeURIComponent(uri)}`;
}

/** Hides the pairing, and leaves its address nowhere. */
function hide(): void {
  if (section.contains(document.activeElement)) connect.focus();
  section.hidden = true;
  link.removeAttribute("href");
  code.width = code.height = 0;
  connect.removeAttribute("aria-disabled");
}

function unreachable(): Message {
  return new Message("The relay cannot be reached. Check your network, then connect again.");
}

/** What the user reads where no session came of it. */
function outcome(error: unknown): string {
  if (error instanceof Message) return error.message;
  const message = reason(error);
  if (/^Proposal expired/.test(message)) return EXPIRED;
  if (!(error instanceof Error)) return "The wallet declined."; // its own answer: a plain object
  if (/restored by RenVault/.test(message)) return "The connection is just being restored. Connect again in a moment.";
  if (/No internet connection/.test(message)) return "This device is offline. Connect again when it is back.";
  if (/establish socket|Failed to publish/.test(message)) return unreachable().message;
  return `The wallet could not be connected: ${message}`;
}

function reason(error: unknown): string {
  return shown((error as { message?: unknown } | null)?.message) || "the cause is not known.";
}
