/**
 * Times, numbers and sizes in the reader's notation (promise DSH-6), and how long each wording stays true: so that a
 * clock on the page ticks without Python, and no oftener than its text changes. Numbers, dates and their order come
 * from `Intl`; s, min, h and d are the international symbols of the units, the same in every language.
 */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A wording, and in how many ms it is no longer true (Infinity: never). */
export interface Wording {
  readonly text: string;
  readonly changesIn: number;
}

export class Words {
  readonly #number: Intl.NumberFormat;
  readonly #date: Intl.DateTimeFormat;
  readonly #locale: string;

  /** `language` is the language of the copy; the region is the reader's own where that is known. */
  constructor(language: string) {
    this.#locale = localeFor(language);
    this.#number = new Intl.NumberFormat(this.#locale);
    this.#date = new Intl.DateTimeFormat(this.#locale, { dateStyle: "medium", timeStyle: "short" });
  }

  /** The time left until `at`: "3 s", "47 min", "23 h 4 min", "6 d 4 h"; never less than 0. */
  until(at: number, now: number): Wording {
    const left = Math.max(0, at - now);
    // Rounded up to the shown unit, so that "1 s" stands until nothing is left.
    const step = left <= MINUTE ? SECOND : MINUTE;
    const shown = Math.ceil(left / step) * step;
    return { text: this.#duration(shown), changesIn: left === 0 ? Infinity : left - (shown - step) };
  }

  /** The time since `at`: "4 s", "12 min"; never less than 0. */
  ago(at: number, now: number): Wording {
    const past = Math.max(0, now - at);
    const step = past < MINUTE ? SECOND : past < HOUR ? MINUTE : HOUR;
    const shown = Math.floor(past / step) * step;
    return { text: this.#duration(shown), changesIn: shown + step - past };
  }

  /** The date and time of `at`. */
  when(at: number): Wording {
    return { text: this.#date.format(at), changesIn: Infinity };
  }

  /** A number, with one of Intl's units if given: "48 ms". */
  number(n: number, unit?: string): string {
    if (unit === undefined) return this.#number.format(n);
    const style = { style: "unit", unit, unitDisplay: "short" } as const;
    return new Intl.NumberFormat(this.#locale, style).format(n);
  }

  /** A size: "880 bytes", "214 kB", "10 MB", in steps of 1024. */
  bytes(n: number): string {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
    const power = Math.min(units.length - 1, n < 1 ? 0 : Math.floor(Math.log2(n) / 10));
    const value = n / 1024 ** power;
    return new Intl.NumberFormat(this.#locale, {
      style: "unit",
      unit: units[power]!,
      unitDisplay: power === 0 ? "long" : "short",
      maximumFractionDigits: value < 10 ? 1 : 0,
    }).format(value);
  }

  #duration(ms: number): string {
    if (ms < MINUTE) return this.#count(ms / SECOND, "s");
    if (ms < HOUR) return this.#count(ms / MINUTE, "min");
    if (ms < DAY) return this.#pair(ms, HOUR, "h", MINUTE, "min");
    return this.#pair(ms, DAY, "d", HOUR, "h");
  }

  #pair(ms: number, large: number, largeSymbol: string, small: number, smallSymbol: string): string {
    const first = this.#count(ms / large, largeSymbol);
    const rest = Math.floor((ms % large) / small);
    return rest === 0 ? first : `${first} ${this.#count(rest, smallSymbol)}`;
  }

  #count(n: number, symbol: string): string {
    return `${this.#number.format(Math.floor(n))} ${symbol}`;
  }
}

function localeFor(language: string): string {
  const own = navigator.languages.find((locale) => locale.split("-")[0]?.toLowerCase() === language);
  try {
    return Intl.getCanonicalLocales(own ?? language)[0] ?? "en";
  } catch {
    return "en";
  }
}
