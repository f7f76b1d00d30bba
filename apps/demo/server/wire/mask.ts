// Nothing that opens a door is shown: tokens, cookies, credentials. Masked here, so that it never leaves the server.

const MASK = '••••';

/** Header values that are secrets. A scheme before them (`Bearer`) and the names of cookies stay. */
const SECRET_HEADER = /^(authorization|proxy-authorization|cookie|set-cookie|x-wire-tab)$/i;

/** A request or response head, with its secrets masked. */
export function maskHead(head: string): string {
  return head
    .split('\r\n')
    .map((line, index) => (index === 0 ? maskQuery(line) : maskHeader(line)))
    .join('\n')
    .trimEnd();
}

/** The id in `?tab=` is no token, but whoever has it can watch: a picture of the drawer must not give it away. */
function maskQuery(requestLine: string): string {
  return requestLine.replace(/([?&](?:tab|token|access_token)=)[^&\s]+/g, `$1${MASK}`);
}

function maskHeader(line: string): string {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon);
  if (!SECRET_HEADER.test(name.trim())) return line;
  const value = line.slice(colon + 1).trim();
  if (/cookie/i.test(name)) return `${name}: ${value.replace(/=[^;]*/g, `=${MASK}`)}`;
  const scheme = /^(\w+) /.exec(value)?.[1];
  return `${name}: ${scheme === undefined ? '' : `${scheme} `}${MASK}`;
}

/** Text of a frame, which may end anywhere, with the values of `token` fields masked, and all that looks like a JWT. */
export function maskText(text: string): string {
  return text
    .replace(/("(?:token|session)"\s*:\s*")(?:[^"\\]|\\.)*(?=("?))/gs, `$1${MASK}`)
    .replace(/\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}/g, MASK);
}
