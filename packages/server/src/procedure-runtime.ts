// A procedure's definition, turned into what the core runs.

import type { ProcedureRuntime } from '@trunkline/core';
import type { At } from './define/handles.js';
import { isRefusal } from './define/refusal.js';
import type { ProcedureParts } from './define/registry.js';
import { validatedBy } from './validated.js';

export function procedureRuntime({ input, output, authorize, run }: ProcedureParts, at: At): ProcedureRuntime {
  return {
    validate: (data) => validatedBy(input, data),
    ...(authorize === undefined
      ? {}
      : { authorize: (user, given) => authorize({ user, input: given }) as boolean | Promise<boolean> }),
    run({ input: given, user, progress, source }) {
      const abort = new AbortController();
      const result = async () => {
        const returned = await run({ input: given, user, at, signal: abort.signal, progress, source });
        if (isRefusal(returned)) return { refusal: { code: returned.code, message: returned.message } };
        if (output === undefined) return { output: returned };
        const checked = await validatedBy(output, returned);
        if ('problem' in checked)
          throw new TypeError(`run returned what its output schema refuses: ${checked.problem}`);
        return { output: checked.value };
      };
      return { result: result(), stop: (reason) => abort.abort(new DOMException(reason, 'AbortError')) };
    },
  };
}
