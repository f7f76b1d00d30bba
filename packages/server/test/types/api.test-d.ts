// The API that DESIGN §4 describes, as far as it exists: every type is inferred, every wrong call is an error.

import type { ContractOf } from '@trunkline/protocol';
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';

import { type Health, refuse, type ServedTrunk, trunkline } from '../../src/index.js';

interface Account {
  readonly id: string;
  readonly name: string;
  readonly admin: boolean;
}
declare function verify(token: string | undefined): Promise<Account | null>;

const t = trunkline({
  authenticate: async ({ token, request }) => {
    expectTypeOf(token).toEqualTypeOf<string | undefined>();
    expectTypeOf(request.address).toEqualTypeOf<string>();
    return verify(token);
  },
  publicUser: (user) => ({ id: user.id, name: user.name }),
});

const audit = t.log(['team', 'day'], { entry: z.object({ what: z.string() }) });

const chat = t.log(['room'], {
  entry: z.object({ text: z.string().min(1), mood: z.string().default('fine') }),
  retain: { entries: 100_000, days: 365 },
  authorize: ({ user, params, action }) => {
    expectTypeOf(user).toEqualTypeOf<Account>();
    expectTypeOf(params).toEqualTypeOf<{ readonly room: string }>();
    expectTypeOf(action).toEqualTypeOf<
      'subscribe' | 'read' | 'publish' | 'amend' | 'presence' | 'signal' | 'mark' | 'search'
    >();
    return user.admin || params.room !== 'staff';
  },
  onPublish: async ({ entry, user, params, at, source }) => {
    expectTypeOf(entry).toEqualTypeOf<{ text: string; mood: string }>();
    expectTypeOf(source.seq).toEqualTypeOf<number>();
    if (entry.text === 'no') return refuse('rude', 'Please be kind');
    if (entry.text === 'wait') return refuse('slow_mode');
    const stored = await at(audit, params.room, 'today').publish({ what: `${user.name} wrote` });
    expectTypeOf(stored.offset).toEqualTypeOf<number>();
    // @ts-expect-error a field of the wrong type
    await at(audit, 'a', 'b').publish({ what: 1 });
    // @ts-expect-error a parameter is missing
    at(audit, 'a');
    // @ts-expect-error a parameter too many
    at(audit, 'a', 'b', 'c');
    // @ts-expect-error not a channel
    at({ audit }, 'a');
    return { ...entry, author: user.id };
  },
});

const app = t.app({ channels: { chat, audit } });
type Contract = ContractOf<typeof app>;

describe('trunkline()', () => {
  it('infers the user from authenticate, sync or async', () => {
    trunkline({ authenticate: ({ token }) => (token ? { id: token, level: 3 } : null) }).log([], {
      entry: z.string(),
      authorize: ({ user }) => {
        expectTypeOf(user).toEqualTypeOf<{ id: string; level: number }>();
        return true;
      },
    });
  });
  it('wants an id in the user', () => {
    // @ts-expect-error a user without an id
    trunkline({ authenticate: async () => ({ name: 'Ada' }) });
  });
  it('shows others the id unless publicUser says more', () => {
    const bare = trunkline({ authenticate: async () => ({ id: 'ada' }) });
    const small = bare.app({ channels: {} });
    expectTypeOf<ContractOf<typeof small>['publicUser']>().toEqualTypeOf<string>();
    expectTypeOf<Contract['publicUser']>().toEqualTypeOf<{ id: string; name: string }>();
  });
  it('refuses a public user that is not JSON', () => {
    trunkline({
      authenticate: async () => ({ id: 'ada' }),
      // @ts-expect-error not a JSON value: since
      publicUser: (user) => ({ id: user.id, since: new Date() }),
    });
  });
});

describe('t.log', () => {
  it('carries parameters, input, stored type and refusals in the contract of the app', () => {
    expectTypeOf<Contract['channels']['chat']['params']>().toEqualTypeOf<readonly ['room']>();
    expectTypeOf<Contract['channels']['chat']['input']>().toEqualTypeOf<{ text: string; mood?: string | undefined }>();
    expectTypeOf<Contract['channels']['chat']['stored']>().toEqualTypeOf<{
      author: string;
      text: string;
      mood: string;
    }>();
    expectTypeOf<Contract['channels']['chat']['refusal']>().toEqualTypeOf<'rude' | 'slow_mode'>();
    expectTypeOf<Contract['channels']['audit']['stored']>().toEqualTypeOf<{ what: string }>();
    expectTypeOf<Contract['channels']['audit']['refusal']>().toEqualTypeOf<never>();
  });
  it('stores the entry where a hook returns nothing', () => {
    const quiet = t.log(['x'], {
      entry: z.object({ n: z.number() }),
      onPublish: async ({ entry }) => {
        if (entry.n < 0) return refuse('negative');
        return undefined;
      },
    });
    expectTypeOf<ContractOf<typeof quiet>['stored']>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<ContractOf<typeof quiet>['refusal']>().toEqualTypeOf<'negative'>();
  });
  it('infers what a hook returns without async', () => {
    const tidy = t.log(['x'], {
      entry: z.object({ text: z.string() }),
      onPublish: ({ entry }) => (entry.text === '' ? refuse('empty') : { text: entry.text, words: 1 }),
    });
    expectTypeOf<ContractOf<typeof tidy>['stored']>().toEqualTypeOf<{ text: string; words: number }>();
    expectTypeOf<ContractOf<typeof tidy>['refusal']>().toEqualTypeOf<'empty'>();
  });
  it('takes hooks that only look, however they say nothing', () => {
    const entry = z.object({ n: z.number() });
    const logs = [
      t.log([], { entry, onPublish: () => {} }),
      t.log([], { entry, onPublish: async () => {} }),
      t.log([], { entry, onPublish: async () => undefined }),
      t.log([], { entry, onPublish: () => undefined }),
    ];
    expectTypeOf<ContractOf<(typeof logs)[number]>['stored']>().toEqualTypeOf<{ n: number }>();
  });
  it('rejects payloads that are not JSON and names the field', () => {
    // @ts-expect-error not a JSON value: when
    t.log([], { entry: z.object({ text: z.string(), when: z.date() }) });
    // @ts-expect-error not a JSON value: tags
    t.log([], { entry: z.object({ tags: z.map(z.string(), z.string()) }) });
    // @ts-expect-error not a JSON value: when (the schema turns the text into a Date, and nothing turns it back)
    t.log([], { entry: z.object({ when: z.string().transform((text) => new Date(text)) }) });
    t.log([], {
      entry: z.object({ when: z.string().transform((text) => new Date(text)) }),
      onPublish: ({ entry }) => ({ when: entry.when.toISOString() }),
    });
    t.log([], {
      entry: z.object({ text: z.string() }),
      // @ts-expect-error not a JSON value: seen
      onPublish: ({ entry }) => ({ ...entry, seen: new Set<string>() }),
    });
  });
  it('wants a boolean from authorize', () => {
    t.log([], {
      entry: z.string(),
      // @ts-expect-error neither a boolean nor a promise of one
      authorize: () => 'yes',
    });
  });
});

describe('access', () => {
  it('expiresAt gets the user, and gives a time or nothing', () => {
    trunkline({
      authenticate: ({ token }) => (token ? { id: token, exp: 5 } : null),
      expiresAt: (user) => {
        expectTypeOf(user).toEqualTypeOf<{ id: string; exp: number }>();
        return user.exp > 0 ? user.exp * 1_000 : undefined;
      },
    });
    // @ts-expect-error a Date is no number of milliseconds
    trunkline({ authenticate: () => ({ id: 'ada' }), expiresAt: () => new Date() });
    // @ts-expect-error it cannot be waited for
    trunkline({ authenticate: () => ({ id: 'ada' }), expiresAt: async () => 5 });
  });

  it('close takes times, health gives a state and numbers', () => {
    const use = async (trunk: ServedTrunk<typeof app.channels>) => {
      await trunk.close();
      await trunk.close({ drainMs: 1, spreadMs: 1, deadlineMs: 1 });
      // @ts-expect-error the unit is in the name
      await trunk.close({ drain: 1 });
      expectTypeOf(trunk.health()).toEqualTypeOf<Health>();
      expectTypeOf(trunk.health().status).toEqualTypeOf<'ok' | 'starting' | 'draining' | 'failed'>();
    };
    expectTypeOf(use).toBeFunction();
  });

  it('revoke takes a user, and a channel by handle or by name', () => {
    const use = async (trunk: ServedTrunk<typeof app.channels>) => {
      expectTypeOf(await trunk.revoke('ada')).toEqualTypeOf<{ readonly ended: number }>();
      await trunk.revoke('ada', trunk.channel.audit('staff', 'today'));
      await trunk.revoke('ada', 'chat/lobby');
      expectTypeOf(trunk.channel.chat('lobby').name).toEqualTypeOf<string>();
      // @ts-expect-error which lobby?
      await trunk.revoke('ada', trunk.channel.chat);
      // @ts-expect-error a definition is no stream
      await trunk.revoke('ada', chat);
      // @ts-expect-error whose rights?
      await trunk.revoke();
      // @ts-expect-error a user is named by the id
      await trunk.revoke({ id: 'ada' });
    };
    expectTypeOf(use).toBeFunction();
  });
});

describe('t.app', () => {
  it('takes channels only', () => {
    // @ts-expect-error a schema is no channel
    t.app({ channels: { chat: z.string() } });
  });
});
