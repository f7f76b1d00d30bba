// What every example does at its beginning and its end.

/** The port to listen on: `PORT`, else 3000. 0 takes a free one. */
export const port = Number(process.env.PORT ?? 3000);

/**
 * Says where the server listens, and ends it at Ctrl-C or SIGTERM.
 * @param {import('node:net').AddressInfo | string | null} address of the server
 * @param {() => Promise<unknown>} close ends it; the process ends by itself when nothing is left to do
 */
export function live(address, close) {
  const where = typeof address === 'object' && address !== null ? address.port : port;
  const end = () => {
    process.off('SIGINT', end).off('SIGTERM', end);
    close().catch((error) => {
      console.error(error);
      process.exitCode = 1;
    });
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  console.log(`listening on http://127.0.0.1:${where}`);
}
