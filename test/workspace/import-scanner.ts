// Module specifiers in TypeScript and JavaScript source, by their text. Enough for code that a formatter has laid out:
// statements begin a line, and comments are comments.

const PATTERNS = [
  // import … from 'x', export … from 'x', also over several lines
  /^[ \t]*(?:import|export)\b[^'"`;()]*?\bfrom\s*(['"])([^'"]+)\1/gm,
  // import 'x'
  /^[ \t]*import\s*(['"])([^'"]+)\1/gm,
  // import('x'), also as a type, and require('x')
  /\b(?:import|require)\s*\(\s*(['"`])([^'"`]+)\1/g,
  // new URL('./worker.js', import.meta.url)
  /\bnew\s+URL\(\s*(['"])([^'"]+)\1\s*,\s*import\.meta\.url/g,
];

/** Each specifier once, in no particular order. */
export function importsOf(source: string): string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
  return [...new Set(PATTERNS.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[2] ?? '')))];
}

/** `export * from` in any form: it lets a name become public without anybody having decided so. */
export function exportsEverything(source: string): boolean {
  return /^\s*export\s+(?:type\s+)?\*/m.test(source);
}

/** Names of the types in a module's export lists, sorted. */
export function exportedTypes(source: string): string[] {
  const lists = [...source.matchAll(/^export\s+(type\s+)?\{([^}]*)\}/gm)];
  const listed = lists.flatMap(([, allTypes, list]) =>
    (list ?? '')
      .replaceAll(/\/\/.*$/gm, '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && (allTypes !== undefined || name.startsWith('type ')))
      .map((name) => name.replace(/^type\s+/, '').replace(/^.*\sas\s+/, '')),
  );
  const declared = [...source.matchAll(/^export\s+(?:declare\s+)?(?:interface|type)\s+(\w+)/gm)].map(
    ([, name]) => name ?? '',
  );
  return [...listed, ...declared].sort();
}
