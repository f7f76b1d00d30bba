// JSON that may end anywhere: of a long message the beginning alone is kept.

/** The value that a text begins with, as far as it goes; what is not whole at its end is left out. `undefined` if it is no JSON at all. */
export function parseCut(text: string): unknown {
  const closers: string[] = [];
  /** The last place at which all that is open can be closed, and how. */
  let end = 0;
  let ending = '';
  const canEnd = (at: number) => {
    end = at;
    ending = closers.toReversed().join('');
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') {
      at += 1;
      while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    } else if (char === '{' || char === '[') {
      closers.push(char === '{' ? '}' : ']');
      canEnd(at + 1);
    } else if (char === '}' || char === ']') {
      closers.pop();
      canEnd(at + 1);
    } else if (char === ',') canEnd(at);
  }
  try {
    return JSON.parse(text.slice(0, end) + ending);
  } catch {
    return undefined;
  }
}
