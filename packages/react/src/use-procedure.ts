// A procedure in a component: what became of the newest call.

import type { CallError, CallOptions, Procedure } from '@trunkline/client';
import { useCallback, useRef, useState } from 'react';

/** What is known of the newest call. */
export interface ProcedureState<Output, Refusal = string> {
  /** It is not answered yet. */
  readonly pending: boolean;
  readonly error: CallError<Refusal> | undefined;
  /** Of the newest call that succeeded: kept while the next one is pending, or has failed. */
  readonly result: Output | undefined;
  /** What the newest call said last while it runs; `undefined` before that. */
  readonly progress: unknown;
}

/** The newest call of a procedure, and how to make another one. */
export interface ProcedureView<Input, Output, Refusal = string> extends ProcedureState<Output, Refusal> {
  /**
   * Calls it, with the options of `line.call.name`. Every failure also stands in `error`, so a rejection nobody handles is not reported.
   * The same function for the same procedure.
   */
  readonly call: (input: Input, options?: CallOptions) => Promise<Output>;
  /** Back to the beginning; what is pending goes on, and is shown no more. */
  readonly reset: () => void;
}

const IDLE = { pending: false, error: undefined, result: undefined, progress: undefined };

/**
 * `const { call, pending, error, result } = useProcedure(line.call.placeOrder)`. Of several calls the newest is shown. A call that was
 * made goes on when the component is gone, as an order is not undone by leaving the page: to take it back pass a `signal`.
 */
export function useProcedure<Input, Output, Refusal>(
  procedure: Procedure<Input, Output, Refusal>,
): ProcedureView<Input, Output, Refusal> {
  type State = ProcedureState<Output, Refusal> & { readonly of: typeof procedure };
  const [state, setState] = useState<State>({ ...IDLE, of: procedure });
  /** Counts the calls and resets: what an earlier one has to say is not shown. */
  const newest = useRef(0);
  const call = useCallback(
    (input: Input, options: CallOptions = {}) => {
      newest.current += 1;
      const mine = newest.current;
      const show = (change: Partial<State>) => {
        if (mine === newest.current)
          setState((last) => ({ ...(last.of === procedure ? last : IDLE), of: procedure, ...change }));
      };
      show({ pending: true, error: undefined, progress: undefined });
      const answer = procedure(input, {
        ...options,
        onProgress: (progress) => {
          show({ progress });
          options.onProgress?.(progress);
        },
      });
      answer.then(
        (result) => show({ pending: false, result }),
        (error: CallError<Refusal>) => show({ pending: false, error }),
      );
      return answer;
    },
    [procedure],
  );
  const reset = useCallback(() => {
    newest.current += 1;
    setState({ ...IDLE, of: procedure });
  }, [procedure]);
  const { pending, error, result, progress } = state.of === procedure ? state : IDLE;
  return { call, reset, pending, error, result, progress };
}
