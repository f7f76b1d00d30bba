// DESIGN §4 names kinds of channels that come later. Here they are declared (only here: the package has
// no trace of them) to prove before they are built that the shape of the API carries them: each adds one method to
// `Trunkline` and one member to `ServerHandles`, and hooks, procedures and the app's contract infer through them.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ChannelContract, Contracted, ContractOf, JsonOnly, ParamRecord } from '@trunkline/protocol';
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import type { App, BaseUser, Trunkline } from '../../src/index.js';

type Out<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;
interface InboxContract extends ChannelContract {
  readonly kind: 'inbox';
  readonly data: unknown;
}
interface Definition<C extends ChannelContract> extends Contracted<C> {
  readonly kind: C['kind'];
  readonly params: C['params'];
}

declare module '../../src/define/handles.js' {
  interface ServerHandles<C extends ChannelContract> {
    readonly inbox: C extends InboxContract ? { notify(data: C['data']): Promise<{ id: string }> } : never;
  }
}
declare module '../../src/define/trunkline.js' {
  interface Trunkline<User extends BaseUser, Public> {
    inbox<const Names extends readonly string[], S extends StandardSchemaV1>(
      params: Names,
      options: {
        readonly data: S & JsonOnly<Out<S>>;
        readonly authorize?: (context: { user: User; params: ParamRecord<Names> }) => boolean;
      },
    ): Definition<{ readonly kind: 'inbox'; readonly params: Names; readonly data: Out<S> }>;
  }
}

interface Trader {
  readonly id: string;
  readonly desk: string;
}
declare const t: Trunkline<Trader, string>;

const inbox = t.inbox(['userId'], {
  data: z.object({ title: z.string() }),
  authorize: ({ user, params }) => user.id === params.userId,
});
const quotes = t.table(['market'], { row: z.object({ bid: z.number(), ask: z.number() }), write: 'server' });
const chat = t.log(['room'], {
  entry: z.object({ text: z.string() }),
  onPublish: async ({ entry, user, at }) => {
    const sent = await at(inbox, 'ada').notify({ title: entry.text });
    expectTypeOf(sent).toEqualTypeOf<{ id: string }>();
    await at(quotes, 'nyse').patch('ACME', { bid: 10 });
    // @ts-expect-error a notification has a title
    await at(inbox, 'ada').notify({ text: entry.text });
    // @ts-expect-error rows have no such field
    await at(quotes, 'nyse').patch('ACME', { price: 10 });
    return { ...entry, author: user.id };
  },
});
const placeOrder = t.procedure({
  input: z.object({ symbol: z.string(), size: z.number() }),
  output: z.object({ price: z.number() }),
  run: async ({ input, user, at }) => {
    expectTypeOf(input).toEqualTypeOf<{ symbol: string; size: number }>();
    expectTypeOf(user).toEqualTypeOf<Trader>();
    await at(chat, 'desk').publish({ text: `${user.desk} bought ${input.size}`, author: user.id });
    // @ts-expect-error the stored form has an author
    await at(chat, 'desk').publish({ text: 'x' });
    await at(quotes, 'nyse').set(input.symbol, { bid: 1, ask: 2 });
    return { price: 2 };
  },
});
const app = t.app({ channels: { chat, inbox, quotes }, procedures: { placeOrder } });

describe('kinds that come later', () => {
  it('carry their own contracts through the app', () => {
    type Channels = ContractOf<App<typeof app.channels, string>>['channels'];
    expectTypeOf<Channels['quotes']['row']>().toEqualTypeOf<{ bid: number; ask: number }>();
    expectTypeOf<Channels['inbox']['data']>().toEqualTypeOf<{ title: string }>();
    expectTypeOf<Channels['chat']['stored']>().toEqualTypeOf<{ text: string; author: string }>();
    expectTypeOf<ContractOf<typeof placeOrder>['output']>().toEqualTypeOf<{ price: number }>();
  });
  it('reject payloads that are not JSON by the name of the field', () => {
    // @ts-expect-error not a JSON value: at
    t.inbox([], { data: z.object({ at: z.date() }) });
  });
});
