// The two ends at the user's side. At a terminal what is being typed stays below what is printed; otherwise plain lines.

import { createInterface, type Interface } from 'node:readline';
import { onSignals } from '../signals.js';
import { timeOf } from './printable.js';

export interface InputEvents {
  line(text: string): void;
  /** No more lines will come. */
  end(): void;
}

export class Console {
  readonly #isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  #input: Interface | null = null;
  #isOver = false;
  #interrupt: (() => void) | null = null;
  #forgetSignals: () => void = () => {};

  constructor() {
    // Whoever read what is printed has left (`| head`): there is nobody to talk to.
    process.stdout.on('error', () => process.exit(0));
  }

  /** Calls back at Ctrl-C or a signal, from now on. */
  onInterrupt(interrupt: () => void): void {
    this.#interrupt = interrupt;
    this.#forgetSignals = onSignals(interrupt, interrupt);
  }

  /** Reads lines from now on. */
  read({ line, end }: InputEvents): void {
    const output = this.#isTerminal ? { output: process.stdout, prompt: '> ' } : {};
    const input = createInterface({ input: process.stdin, terminal: this.#isTerminal, historySize: 100, ...output });
    this.#input = input;
    input.on('line', (text) => {
      if (this.#isOver) return;
      line(text);
      if (this.#isTerminal) input.prompt();
    });
    // A terminal in raw mode turns Ctrl-C into this event; without a listener it would end the input.
    input.on('SIGINT', () => this.#interrupt?.());
    input.on('close', () => {
      if (!this.#isOver) end();
    });
    if (this.#isTerminal) input.prompt();
  }

  pause(): void {
    this.#input?.pause();
  }

  resume(): void {
    this.#input?.resume();
  }

  /** Lines on standard output, the first one with the time before it. */
  print(...lines: readonly string[]): void {
    const [first = '', ...more] = lines;
    const text = [`${timeOf(new Date())}  ${first}`, ...more].join('\n');
    // Over the line that is being typed, which is then shown again.
    if (this.#isTerminal && this.#input !== null) process.stdout.write(`\r\u001b[K${text}\n`);
    else process.stdout.write(`${text}\n`);
    if (this.#isTerminal && !this.#isOver) this.#input?.prompt(true);
  }

  /** A remark that is no part of the result. */
  note(text: string): void {
    if (this.#isTerminal) this.print(text);
    else process.stderr.write(`${text}\n`);
  }

  /** Gives the input back; nothing is called any more. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#input?.close();
    process.stdin.unref?.();
    process.stdin.pause();
    if (this.#isTerminal) process.stdout.write('\r\u001b[K');
    this.#forgetSignals();
  }
}
