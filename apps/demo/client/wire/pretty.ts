// JSON with a line for each field. It reads tokens and not values, so that text which ends in the middle comes out as well.

const TOKEN = /"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s{}[\],:"]+/gs;

export function pretty(text: string): string {
  return text
    .split('\n')
    .map((line) => (/^\s*[{[]/.test(line) ? prettyLine(line) : line))
    .join('\n');
}

function prettyLine(line: string): string {
  let out = '';
  let depth = 0;
  let previous = '';
  const newLine = () => `\n${'  '.repeat(depth)}`;
  for (const [token] of line.matchAll(TOKEN)) {
    if (token === '}' || token === ']') {
      depth = Math.max(0, depth - 1);
      out += previous === '{' || previous === '[' ? token : newLine() + token;
    } else {
      if (previous === '{' || previous === '[' || previous === ',') out += newLine();
      out += token === ':' ? ': ' : token;
      if (token === '{' || token === '[') depth += 1;
    }
    previous = token;
  }
  return out;
}
