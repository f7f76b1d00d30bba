// Loading the user's module: the place where most first attempts go wrong, so each way has its sentence.

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { App } from '@trunkline/server';
import { Failure } from './failure.js';

/** The `app` that a module exports. @throws Failure if there is no such file, it does not load, or exports no app. */
export async function loadApp(path: string): Promise<App> {
  const file = resolve(path);
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) throw new Failure(`${path} is not a file`);
  const module = await load(path, file);
  if (isApp(module.app)) return module.app;
  if ('app' in module) throw new Failure(`${path}: its export \`app\` was not made by t.app()`);
  const names = Object.keys(module).join(', ') || 'nothing';
  throw new Failure(`${path} has no export named \`app\` (it exports ${names})`);
}

async function load(path: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw new Failure(`${path} is not JavaScript: compile it first, and name the compiled file`);
    }
    throw new Failure(`${path} failed to load:\n${error instanceof Error ? error.stack : String(error)}`);
  }
}

function isApp(value: unknown): value is App {
  const channels = typeof value === 'object' && value !== null && 'channels' in value ? value.channels : null;
  return typeof channels === 'object' && channels !== null;
}
