// Ctrl-C and its kin.

/** A second signal within this time is the same one: npm passes on what the terminal has sent to the whole group already. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Calls `first` at the first SIGINT or SIGTERM, `later` at each later one.
 * @param later default: ends the process at once.
 * @returns listens no more.
 */
export function onSignals(
  first: (signal: NodeJS.Signals) => void,
  later: (signal: NodeJS.Signals) => void = exitAtOnce,
): () => void {
  let since: number | null = null;
  const onSignal = (signal: NodeJS.Signals) => {
    if (since === null) {
      since = performance.now();
      first(signal);
    } else if (performance.now() - since > SAME_SIGNAL_MS) {
      later(signal);
    }
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  };
}

/** Resolves with the first SIGINT or SIGTERM. A later one ends the process at once. */
export function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => void onSignals(resolve));
}

function exitAtOnce(signal: NodeJS.Signals): void {
  process.exit(signal === 'SIGINT' ? 130 : 143);
}
