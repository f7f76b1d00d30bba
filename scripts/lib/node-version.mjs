// The one check that must work on a Node too old for everything else.

const WANTED = [20, 19];

/** Ends the process with one clear line when Node is too old. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > WANTED[0] || (major === WANTED[0] && minor >= WANTED[1])) return;
  process.stderr.write(
    `Trunkline needs Node ${WANTED.join('.')} or newer; this is ${process.versions.node}. See https://nodejs.org/\n`,
  );
  process.exit(1);
}
