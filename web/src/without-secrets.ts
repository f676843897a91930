/**
 * What must not leave this browser, taken out of what does: the same as `without_secrets` in
 * renvault_web/redaction.py, which says why; tests/fixtures/secrets.json holds both to one list of examples.
 */

const NAMES = [
  "symKey",
  "privateKey",
  "privKey",
  "appPrivateKey",
  "secretKey",
  "client_ed25519_seed",
  "mnemonic",
  "password",
  "encryptionPassword",
  "passPhrase",
  "transitKey",
  "keychain",
  "authResponseToken",
  "recoveryPhrase",
];
const ENDINGS = ["seed", "secret", "token"];
const WORDS = ["seedWords", "secretWords", "pairingUri", "auth", "authorization", "jwt", "pin"];

const GONE = "(removed)";

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, "");
const any = (names: string[]): string => names.map((name) => name.replace(/(?<=[a-z])(?=[A-Z])/g, "[-_ ]?")).join("|");

const HOLDING = NAMES.map(plain);
const ALONE = new Set(WORDS.map(plain));

const NAMED = new RegExp(
  `((?:${any(NAMES)}|${any(ENDINGS)}|(?<![a-z])(?:${any(WORDS)}))[\\w-]{0,16}` +
    "\\\\*[\"']?\\s*[:=]\\s*)(?!\\(removed\\))" +
    "(?:\\\\*\"[^\"]*\"?|'[^']*'?|\\{[^}]*\\}?|\\[[^\\]]*\\]?|[^\\s&\"',;})\\]]+)",
  "gi",
);
const WC_URI = /\bwc:[^\s"'<>]*/g;
const TEXTS = [/\bAGE-SECRET-KEY-[\w-]+/gi, /(?<![\w.-])eyJ[\w-]{8,}\.[\w.-]+/g, /\b(?:[a-z]{3,8}\s+){11,}[a-z]{3,8}\b/g];

/** A copy of the JSON value without the fields that hold secrets, at any depth, and with what looks like one replaced. */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === "string") return textWithoutSecrets(value);
  if (Array.isArray(value)) {
    return value.length === 2 && isSecret(value[0]) ? [value[0], GONE] : value.map(withoutSecrets);
  }
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !isSecret(name));
  return Object.fromEntries(kept.map(([name, inner]) => [textWithoutSecrets(name), withoutSecrets(inner)]));
}

function isSecret(name: unknown): boolean {
  if (typeof name !== "string") return false;
  const found = plain(name);
  const ends = ENDINGS.some((ending) => found.endsWith(ending));
  return ends || ALONE.has(found) || HOLDING.some((secret) => found.includes(secret));
}

function textWithoutSecrets(text: string): string {
  const told = text.replace(WC_URI, (uri) => (/symkey/i.test(uri) ? GONE : uri));
  return TEXTS.reduce((left, pattern) => left.replace(pattern, GONE), told).replace(NAMED, `$1${GONE}`);
}
