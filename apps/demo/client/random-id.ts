// 128 random bits in hexadecimal. Not `crypto.randomUUID`, which exists only on addresses that the browser trusts.

export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
