// A part of a snapshot as `useSyncExternalStore` wants it: it compares by identity.

/** `select(read())`, computed once for each value of `read()`. */
export function memoized<Whole, Part>(read: () => Whole, select: (whole: Whole) => Part): () => Part {
  let last: { readonly whole: Whole; readonly part: Part } | undefined;
  return () => {
    const whole = read();
    if (!last || last.whole !== whole) last = { whole, part: select(whole) };
    return last.part;
  };
}
