// Names and producer keys may be any text, but SQLite's text ends at a NUL and is UTF-8. What would not come back as it
// was is stored as JSON text, which escapes both; so is what begins like JSON text, so that there is one reading.

const NOT_AS_IT_IS = /^"|[\0\p{Surrogate}]/u;

export function keyText(key: string): string {
  return NOT_AS_IT_IS.test(key) ? JSON.stringify(key) : key;
}

export function keyOf(text: string): string {
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}
