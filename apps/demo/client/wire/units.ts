// Sizes and times as people read them.

/** "86 B", "3.1 KB", "1.2 MB" */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)} KB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}

/** "0.4 ms", "120 ms", "2.5 s", "3 min" */
export function duration(ms: number): string {
  const passed = Math.max(0, ms);
  if (passed < 10) return `${passed.toFixed(1)} ms`;
  if (passed < 1000) return `${Math.round(passed)} ms`;
  if (passed < 60_000) return `${(passed / 1000).toFixed(1)} s`;
  return `${Math.round(passed / 60_000)} min`;
}

/** "+0.4 ms", "+120 ms", "+2.5 s", "+3 min" */
export function since(ms: number): string {
  return `+${duration(ms)}`;
}

/** Time of day to a millisecond. */
export function clockTime(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}
