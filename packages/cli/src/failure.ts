// A failure that its message explains: the user reads one line, not a stack.

/** Ends the command with this message. Exit code 2: the command line was wrong; 1: all else. */
export class Failure extends Error {
  override readonly name = 'Failure';

  constructor(
    message: string,
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}

/** The command line made no sense. */
export function usage(problem: string): Failure {
  return new Failure(`${problem}; see trunkline --help`, 2);
}
