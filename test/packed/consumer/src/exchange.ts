// Two clients of the README's server: what one publishes, the other sees, typed by the app.
import { connect } from '@trunkline/client/node';
import type { App } from './app.js';

const url = `${process.argv[2]}/line`;
const ada = connect<App>(url, { token: 'ada' });
const bob = connect<App>(url, { token: 'bob' });
const seenByBob = bob.channel.chat('lobby');

const seen = new Promise<string>((resolve) => {
  const look = () => {
    const [entry] = seenByBob.snapshot().entries;
    if (entry !== undefined) resolve(`${entry.data.author}: ${entry.data.text}`);
  };
  seenByBob.subscribe(look);
});
const { offset } = await ada.channel.chat('lobby').publish({ text: 'hello' });
console.log(`bob saw ${await seen} at ${offset}`);
const closed = await Promise.all([ada.close(), bob.close()]);
console.log(`closed ${closed.map((close) => close?.code).join(' ')}`);
