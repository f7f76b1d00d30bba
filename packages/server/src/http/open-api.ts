// The OpenAPI document of an app: its channels' paths, made of the same table that leads the requests.

import type { AppRuntime } from '@trunkline/core';
import type { Limits } from '@trunkline/protocol';
import { type DataSchemas, movedTo, NO_DATA_SCHEMAS } from './data-schemas.js';
import { SCHEMAS } from './open-api-schemas.js';
import type { OperationShape } from './operation-shape.js';
import { CALL, errorsOf, OF_LETTERS, OF_USERS, OPERATIONS, UNREAD } from './operations.js';
import { DOCUMENT_PATH, LETTERS, PROCEDURES, USERS } from './place.js';
import type { QueryParameter } from './query.js';

type Json = Readonly<Record<string, unknown>>;

const ref = (kind: string, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });
const content = (schema: string, types: readonly string[] = ['application/json']): Json =>
  Object.fromEntries(types.map((type) => [type, { schema: ref('schemas', schema) }]));
const header = (description: string, schema: Json = { type: 'string' }): Json => ({ description, schema });

const MEANING: Readonly<Record<number, string>> = {
  400: 'The request cannot be understood as it is.',
  401: 'The token is missing, invalid or expired.',
  403: 'This user, API key or page may not do that.',
  404: 'There is no such channel, row or entry, or what the position needs is no longer kept.',
  408: 'The body took too long.',
  409: 'The request contradicts the state it meets.',
  412: 'The row is not as `If-Match` or `If-None-Match` says.',
  413: 'A limit on size was exceeded.',
  415: 'The body is not of a media type that is meant here.',
  422: 'The schema, or a rule of the app, refuses it.',
  429: 'A limit on rate or count was exceeded.',
  500: 'The server failed; its log has the cause.',
  503: 'The server cannot do it now.',
};

/** Shapes that an app's own schema says more of. */
const OWN: ReadonlySet<string> = new Set(['Entry', 'Row', 'Input']);

type DescribedApp = Pick<AppRuntime<never>, 'channels' | 'procedures'>;
type Channel = NonNullable<ReturnType<DescribedApp['channels']['get']>>;

/** @param data what the app's own schemas say; what they do not say of is any value */
export function openApiDocument(
  { channels, procedures = new Map() }: DescribedApp,
  limits: Limits,
  data: DataSchemas = NO_DATA_SCHEMAS,
  hasBackend = false,
): Json {
  const paths = [...channels].flatMap(([name, channel]) => pathsOf(name, channel, limits, data));
  const calls = [...procedures.keys()].map((name) => [
    `${PROCEDURES}${encodeURIComponent(name)}`,
    { post: describe(CALL, name, limits, data.procedures.has(name)) },
  ]);
  const users = OF_USERS.map((operation) => [
    `${USERS}{user}/${operation.id}`,
    { parameters: [pathParameter('user', "The user's id.")], post: describe(operation, 'users', limits) },
  ]);
  const hasMarkers = [...channels.values()].some((channel) => channel.kind === 'log' && channel.markers);
  const ofUnread = {
    parameters: [pathParameter('user', "The user's id, or `me`.")],
    get: describe(UNREAD, 'users', limits),
  };
  const unread = hasMarkers ? [[`${USERS}{user}/unread`, ofUnread]] : [];
  const [all, one, again] = hasBackend ? OF_LETTERS : [];
  const letterId = { parameters: [pathParameter('id', 'Of the dead letter.')] };
  const described = (operation: OperationShape) => describe(operation, 'back end', limits);
  const letters =
    all === undefined || one === undefined || again === undefined
      ? []
      : [
          [LETTERS, { get: described(all) }],
          [`${LETTERS}/{id}`, { ...letterId, delete: described(one) }],
          [`${LETTERS}/{id}/replay`, { ...letterId, post: described(again) }],
        ];
  return {
    openapi: '3.1.0',
    info: {
      title: 'Trunkline',
      version: '1',
      description: 'Each parameter of a path is one segment, percent-encoded, a "/" in it too.',
    },
    security: [{ bearer: [] }],
    paths: {
      ...Object.fromEntries([...paths, ...calls, ...users, ...unread, ...letters]),
      [DOCUMENT_PATH]: documentPath(),
    },
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'A user token, as `authenticate` knows it, or an API key.',
        },
      },
      schemas: { ...SCHEMAS, ...ownSchemas(channels, data) },
      responses: {
        ...Object.fromEntries(
          Object.entries(MEANING).map(([status, text]) => [`Error${status}`, errorResponse(Number(status), text)]),
        ),
        ErrorOfTheApp: errorResponse(0, "What the app's own code throws besides: any other code of the protocol."),
      },
    },
  };
}

/** The app's own schemas, by the name that `bodySchema` refers to. */
function ownSchemas(channels: DescribedApp['channels'], data: DataSchemas): Json {
  const named = [
    ...[...data.channels].map(
      ([name, schema]) => [channels.get(name)?.kind === 'log' ? 'Entry' : 'Row', name, schema] as const,
    ),
    ...[...data.procedures].map(([name, schema]) => ['Input', name, schema] as const),
  ];
  return Object.fromEntries(
    named.map(([kind, owner, schema]) => {
      const name = ownName(kind, owner);
      return [name, movedTo(`#/components/schemas/${name}`, schema)];
    }),
  );
}

function ownName(kind: string, owner: string): string {
  return `${kind}_${owner.replace(/[^A-Za-z0-9_]/g, '_')}`;
}

function pathsOf(name: string, channel: Channel, limits: Limits, data: DataSchemas): [string, Json][] {
  const { params } = channel;
  const isTold = data.channels.has(name);
  const base = ['/v1/channels', encodeURIComponent(name), ...params.map((param) => `{${param}}`)].join('/');
  const parameters = params.map((param) => pathParameter(param, `The channel's parameter "${param}".`));
  if (channel.kind === 'log') {
    const operationsAt = (at: OperationShape['at']) => operations(name, at, limits, isTold);
    return logPaths(base, channel, parameters, operationsAt);
  }
  // A channel's own parameter may be called "key" too.
  const key = params.includes('key') ? 'rowKey' : 'key';
  return [
    [`${base}/rows`, { parameters, ...operations(name, 'rows', limits, isTold) }],
    [
      `${base}/rows/{${key}}`,
      {
        parameters: [...parameters, pathParameter(key, 'The row: 1 to 256 bytes.')],
        ...operations(name, 'row', limits, isTold),
      },
    ],
  ];
}

/** Of amending only what the channel allows. */
function logPaths(
  base: string,
  { params, amend = [], presence, markers, search }: Extract<Channel, { kind: 'log' }>,
  parameters: readonly Json[],
  operationsAt: (at: OperationShape['at']) => Json,
): [string, Json][] {
  // A channel's own parameters may have these names too.
  const offset = params.includes('offset') ? 'entryOffset' : 'offset';
  const reaction = params.includes('reaction') ? 'itsReaction' : 'reaction';
  const ofEntry = [...parameters, offsetParameter(offset)];
  const ofReaction = [...ofEntry, pathParameter(reaction, 'The reaction: 1 to 64 bytes of text, such as an emoji.')];
  const entry = `${base}/entries/{${offset}}`;
  const { patch, delete: erase } = operationsAt('entry');
  const ofOne = {
    ...(amend.includes('edit') ? { patch } : {}),
    ...(amend.includes('delete') ? { delete: erase } : {}),
  };
  const paths: [string, Json][] = [[`${base}/entries`, { parameters, ...operationsAt('entries') }]];
  if (Object.keys(ofOne).length > 0) paths.push([entry, { parameters: ofEntry, ...ofOne }]);
  if (amend.includes('react')) {
    const path = `${entry}/reactions/{${reaction}}`;
    paths.push([path, { parameters: ofReaction, ...operationsAt('reaction') }]);
  }
  if (search) paths.push([`${base}/search`, { parameters, ...operationsAt('search') }]);
  const user = params.includes('user') ? 'reader' : 'user';
  const ofUser = [...parameters, pathParameter(user, "The user's id, or `me`.")];
  if (presence) {
    paths.push([`${base}/presence`, { parameters, ...operationsAt('presence') }]);
    paths.push([`${base}/presence/{${user}}`, { parameters: ofUser, ...operationsAt('present') }]);
  }
  if (markers) {
    paths.push([`${base}/markers`, { parameters, ...operationsAt('markers') }]);
    paths.push([`${base}/markers/{${user}}`, { parameters: ofUser, ...operationsAt('marker') }]);
    paths.push([`${base}/followers/{${user}}`, { parameters: ofUser, ...operationsAt('follower') }]);
  }
  return paths;
}

function operations(channel: string, at: OperationShape['at'], limits: Limits, isTold: boolean): Json {
  const here = OPERATIONS.filter((operation) => operation.at === at);
  return Object.fromEntries(
    here.map((operation) => [operation.method.toLowerCase(), describe(operation, channel, limits, isTold)]),
  );
}

/** @param isTold whether the app's own schema is known */
function describe(operation: OperationShape, channel: string, limits: Limits, isTold = false): Json {
  const { id, summary, body, method, conditions } = operation;
  const isRead = method === 'GET';
  const bodySchema = (name: string) => (isTold && OWN.has(name) ? ownName(name, channel) : name);
  const isOfUser = OF_USERS.includes(operation) || OF_LETTERS.includes(operation);
  const parameters = [
    ...Object.entries(operation.query(limits)).map(([name, parameter]) => queryParameter(name, parameter)),
    ...(isRead
      ? [headerParameter('If-None-Match', 'An `ETag`: answers 304 if nothing is new.')]
      : isOfUser
        ? []
        : [
            headerParameter(
              'Idempotency-Key',
              '1 to 255 visible ASCII characters, new for each write: sent again, it is stored once.',
            ),
          ]),
    ...(conditions === undefined
      ? []
      : [
          headerParameter('If-Match', 'An `ETag` of the row, or `*`: it must be there, and as it was then.'),
          headerParameter('If-None-Match', '`*`: there must be no such row.'),
        ]),
  ];
  return {
    operationId: isOfUser ? id : `${id}_${channel.replace(/[^A-Za-z0-9_]/g, '_')}`,
    tags: [channel],
    summary,
    parameters,
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: content(bodySchema(body.schema), body.types) } }),
    responses: responsesOf(operation),
  };
}

function responsesOf(operation: OperationShape): Json {
  const tag = { ETag: header('Names this state.') };
  const answers = Object.entries(operation.answers).map(([status, schema]) => [
    status,
    schema === null
      ? { description: 'Nothing is new.', headers: tag }
      : { description: operation.summary, headers: hasTag(operation) ? tag : {}, content: content(schema) },
  ]);
  const errors = errorsOf(operation).map((status) => [String(status), ref('responses', `Error${status}`)]);
  return { ...Object.fromEntries([...answers, ...errors]), default: ref('responses', 'ErrorOfTheApp') };
}

function hasTag({ method, at }: OperationShape): boolean {
  if (at === 'entry' || at === 'reaction') return false;
  return method === 'GET' || method === 'PUT' || method === 'PATCH';
}

function errorResponse(status: number, description: string): Json {
  const headers = {
    ...(status === 429 || status === 503 ? { 'Retry-After': header('Seconds.', { type: 'integer', minimum: 1 }) } : {}),
  };
  return { description, headers, content: content('Error') };
}

function documentPath(): Json {
  const responses = {
    200: { description: 'This document.', content: { 'application/json': { schema: { type: 'object' } } } },
    ...Object.fromEntries([400, 403, 503].map((status) => [status, ref('responses', `Error${status}`)])),
  };
  return { get: { operationId: 'readDocument', summary: 'This document.', security: [], responses } };
}

function pathParameter(name: string, description: string): Json {
  return { name, in: 'path', required: true, description, schema: { type: 'string', minLength: 1 } };
}

function offsetParameter(name: string): Json {
  const schema = { type: 'integer', minimum: 1 };
  return { name, in: 'path', required: true, description: "The entry's offset.", schema };
}

function headerParameter(name: string, description: string): Json {
  return { name, in: 'header', description, schema: { type: 'string' } };
}

function queryParameter(name: string, parameter: QueryParameter): Json {
  const { description } = parameter;
  const schema =
    'pattern' in parameter
      ? { type: 'string', pattern: parameter.pattern }
      : { type: 'integer', minimum: parameter.least, maximum: parameter.most };
  return { name, in: 'query', description, schema };
}
