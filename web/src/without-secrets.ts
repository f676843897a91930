/**
 * What must not leave this browser, taken out of what does: the same as `without_secrets` in
 * renvault_web/redaction.py, which says why; one list of examples holds both to it.
 */

const HOLDING = [
  "symkey",
  "privatekey",
  "privkey",
  "appprivatekey",
  "secretkey",
  "cliented25519seed",
  "mnemonic",
  "password",
  "encryptionpassword",
  "passphrase",
  "transitkey",
  "keychain",
  "authresponsetoken",
  "recoveryphrase",
];
const ENDINGS = ["seed", "secret", "token"];
const ALONE = ["seedwords", "secretwords", "pairinguri", "auth", "authorization", "jwt", "pin"];

const GONE = "(removed)";

const SECRET_TEXTS = [
  /\bwc:[^\s"'<>]*?symKey[^\s"'<>]*/gi,
  /\bAGE-SECRET-KEY-[\w-]+/gi,
  /\beyJ[\w-]{8,}\.[\w.-]+/g,
  /\b(?:[a-z]{3,8}\s+){11,}[a-z]{3,8}\b/g,
];
const NAMED = new RegExp(
  "(\\b[\\w-]{0,40}(?:sym_?key|private_?key|priv_?key|secret(?:_?key)?|seed|mnemonic|password|passphrase" +
    "|transit_?key|token|recovery_?phrase)\\\\*[\"']?\\s*[:=]\\s*)" +
    "(?:\\\\*\"[^\"]*\"?|'[^']*'?|[^\\s&\"',;})\\]]+)",
  "gi",
);

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
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, "");
  return (
    ALONE.includes(plain) ||
    ENDINGS.some((ending) => plain.endsWith(ending)) ||
    HOLDING.some((secret) => plain.includes(secret))
  );
}

function textWithoutSecrets(text: string): string {
  return SECRET_TEXTS.reduce((left, pattern) => left.replace(pattern, GONE), text).replace(NAMED, `$1${GONE}`);
}
